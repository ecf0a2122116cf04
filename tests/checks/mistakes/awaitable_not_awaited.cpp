// SPDX-License-Identifier: BSL-1.0
// expect: nodiscard
// expect: co_await it, or give it to co_spawn
// lines: 6
#include <rill/coroutine/awaitable.hpp>

rill::awaitable<void> step();
rill::awaitable<void> session() {
    step();
    co_return;
}
