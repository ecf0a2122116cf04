// SPDX-License-Identifier: BSL-1.0
// expect: neither an awaitable, nor an async_operation
// expect: use_awaitable, deferred, or no token
// lines: 6
#include <rill/coroutine/awaitable.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/token/use_future.hpp>

rill::awaitable<void> session(rill::steady_timer& timer) { co_await timer.async_wait(rill::use_future); }
