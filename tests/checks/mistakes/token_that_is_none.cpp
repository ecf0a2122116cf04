// SPDX-License-Identifier: BSL-1.0
// expect: completion_token_for<Token, Signature> is not satisfied
// expect: Give the operation a function
// lines: 10
#include <rill/io/steady_timer.hpp>

void wait(rill::steady_timer& timer) { timer.async_wait(42); }
