// SPDX-License-Identifier: BSL-1.0
// expect: awaitable<T, Executor> has another Executor
// expect: Let both have the same
// lines: 8
#include <rill/context/io_context.hpp>
#include <rill/coroutine/awaitable.hpp>

rill::awaitable<int, rill::io_context::executor_type> step();
rill::awaitable<int> session() { co_return co_await step(); }
