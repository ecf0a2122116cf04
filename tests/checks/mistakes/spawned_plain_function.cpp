// SPDX-License-Identifier: BSL-1.0
// expect: spawnable_needed__pass_an_awaitable_or_a_function_without_arguments_that_returns_one
// lines: 20
#include <rill/context/io_context.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/token/detached.hpp>

void go(rill::io_context& ctx) {
    rill::co_spawn(
        ctx, [] {}, rill::detached);
}
