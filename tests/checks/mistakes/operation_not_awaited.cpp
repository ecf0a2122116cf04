// SPDX-License-Identifier: BSL-1.0
// expect: nodiscard
// expect: co_await it, or call it with a token
// lines: 10
#include <rill/coroutine/awaitable.hpp>
#include <rill/io/steady_timer.hpp>

rill::awaitable<void> session(rill::steady_timer& timer) {
    timer.async_wait();
    co_return;
}
