// SPDX-License-Identifier: BSL-1.0
// expect: awaitable_needed__only_a_coroutine_that_returns_an_awaitable_can_await_this
// lines: 6
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/io/steady_timer.hpp>

#include <coroutine>

struct task {
    struct promise_type {
        task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
task session(rill::steady_timer& timer) { co_await timer.async_wait(rill::use_awaitable); }
