// SPDX-License-Identifier: BSL-1.0
// expect: executor_needed__pass_one_or_an_execution_context
// lines: 14
#include <rill/io/steady_timer.hpp>
#include <rill/token/bind_executor.hpp>

struct pool {};
void wait(rill::steady_timer& timer, pool& p) {
    timer.async_wait(rill::bind_executor(p, [](rill::error_code) {}));
}
