// SPDX-License-Identifier: BSL-1.0
// expect: promise.type
// lines: 2
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/io/steady_timer.hpp>

void session(rill::steady_timer& timer) { co_await timer.async_wait(rill::use_awaitable); }
