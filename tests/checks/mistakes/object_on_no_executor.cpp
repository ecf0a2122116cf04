// SPDX-License-Identifier: BSL-1.0
// expect: executor_needed__pass_one_or_an_execution_context
// lines: 6
#include <rill/io/steady_timer.hpp>

struct pool {};
void wait(pool& p) { rill::steady_timer timer(p); }
