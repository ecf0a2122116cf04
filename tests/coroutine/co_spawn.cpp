// SPDX-License-Identifier: BSL-1.0
#include <rill/coroutine/co_spawn.hpp>

#include <rill/context/io_context.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/post.hpp>
#include <rill/token/use_future.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using rill::awaitable;
using namespace std::chrono_literals;

namespace {

awaitable<std::string> text() { co_return "text"; }

awaitable<void> wait_for_ever() {
    rill::steady_timer timer(co_await rill::this_coro::executor, 1h);
    co_await timer.async_wait(rill::deferred);
}

std::string message_of(std::exception_ptr e) {
    try {
        if (e)
            std::rethrow_exception(e);
    } catch (const std::exception& x) {
        return x.what();
    }
    return "none";
}

rill::error_code code_of(std::exception_ptr e) {
    try {
        if (e)
            std::rethrow_exception(e);
    } catch (const rill::system_error& x) {
        return x.code();
    }
    return {};
}

}  // namespace

TEST_CASE("co_spawn takes executors and contexts, functions, awaitables and operations", "[coroutine][co_spawn]") {
    rill::io_context ctx(1);
    rill::any_io_executor any = ctx.get_executor();
    rill::steady_timer timer(ctx);
    int done = 0;
    auto count = [&](std::exception_ptr e) { done += e ? 100 : 1; };
    co_spawn(
        ctx, [&]() -> awaitable<void> { co_return; }, count);
    co_spawn(
        ctx.get_executor(), [&]() -> awaitable<void> { co_return; }, count);
    co_spawn(
        any, [&]() -> awaitable<void> { co_return; }, count);
    co_spawn(
        ctx, [](int) -> awaitable<void> { co_return; }(1), count);
    co_spawn(
        any, [](int) -> awaitable<void> { co_return; }(1), count);
    co_spawn(ctx, timer.async_wait(rill::use_awaitable), count);
    co_spawn(ctx, text(), [&](std::exception_ptr e, std::string s) { done += !e && s == "text" ? 1 : 100; });
    co_spawn(ctx, text, rill::detached);
    auto future = co_spawn(ctx, text, rill::use_future);
    ctx.run();
    CHECK(done == 7);
    CHECK(future.get() == "text");
}

TEST_CASE("the handler of co_spawn is not called from inside it", "[coroutine][co_spawn]") {
    rill::io_context ctx(1);
    bool called = false, returned = false;
    post(ctx, [&] {
        co_spawn(
            ctx, []() -> awaitable<void> { co_return; },
            [&](std::exception_ptr) {
                called = true;
                CHECK(returned);
            });
        returned = true;
        CHECK_FALSE(called);
    });
    ctx.run();
    CHECK(called);
}

TEST_CASE("a coroutine spawned from its own executor starts at once", "[coroutine][co_spawn]") {
    rill::io_context ctx(1);
    bool started = false;
    co_spawn(
        ctx,
        [&]() -> awaitable<void> {
            started = true;
            co_return;
        },
        rill::detached);
    CHECK_FALSE(started);
    started = false;
    post(ctx, [&] {
        started = false;
        co_spawn(
            ctx,
            [&]() -> awaitable<void> {
                started = true;
                co_return;
            },
            rill::detached);
        CHECK(started);
    });
    ctx.run();
    CHECK(started);
}

TEST_CASE("captures of a spawned lambda live as long as its coroutine", "[coroutine][co_spawn]") {
    rill::io_context ctx(1);
    int result = 0;
    auto value = std::make_shared<int>(5);
    std::weak_ptr<int> watch = value;
    co_spawn(
        ctx,
        [v = std::move(value), &result]() -> awaitable<void> {
            rill::steady_timer timer(co_await rill::this_coro::executor, 1ms);
            co_await timer.async_wait(rill::deferred);
            result = *v;
        },
        [&](std::exception_ptr) { CHECK(watch.expired()); });
    ctx.run();
    CHECK(result == 5);
}

TEST_CASE("exceptions of the function and of the coroutine reach the handler", "[coroutine][co_spawn]") {
    rill::io_context ctx(1);
    std::vector<std::string> seen;
    auto note = [&](std::exception_ptr e) { seen.push_back(message_of(e)); };
    co_spawn(
        ctx, []() -> awaitable<void> { throw std::runtime_error("function"); }, note);
    co_spawn(
        ctx,
        []() -> awaitable<void> {
            rill::steady_timer timer(co_await rill::this_coro::executor);
            co_await timer.async_wait(rill::deferred);
            throw std::runtime_error("coroutine");
        },
        note);
    co_spawn(
        ctx, []() -> awaitable<int> { throw std::runtime_error("value"); },
        [&](std::exception_ptr e, int v) { seen.push_back(message_of(e) + std::to_string(v)); });
    ctx.run();
    CHECK(seen == std::vector<std::string>{"function", "value0", "coroutine"});
}

TEST_CASE("the handler runs on its own executor", "[coroutine][co_spawn]") {
    rill::io_context here(1), there(1);
    bool called = false;
    co_spawn(
        here, []() -> awaitable<void> { co_return; },
        rill::bind_executor(there.get_executor(), [&](std::exception_ptr) {
            called = true;
            CHECK(there.get_executor().running_in_this_thread());
        }));
    here.run();
    CHECK_FALSE(called);
    there.run();
    CHECK(called);
}

TEST_CASE("terminal cancellation ends the operation that is awaited", "[coroutine][co_spawn][cancellation]") {
    rill::io_context ctx(1);
    rill::cancellation_signal signal;
    rill::error_code ended;
    co_spawn(ctx, wait_for_ever,
             rill::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) { ended = code_of(e); }));
    ctx.poll();
    signal.emit(rill::cancellation_type::partial);
    signal.emit(rill::cancellation_type::total);
    ctx.restart();
    CHECK(ctx.poll() == 0);
    signal.emit(rill::cancellation_type::terminal);
    ctx.restart();
    ctx.run();
    CHECK(ended == rill::error::operation_aborted);
    CHECK_FALSE(signal.slot().has_handler());
}

TEST_CASE("a cancelled coroutine throws at its next co_await, unless told not to", "[coroutine][cancellation]") {
    rill::io_context ctx(1);
    rill::cancellation_signal signal;
    std::vector<int> steps;
    rill::error_code ended;
    co_spawn(
        ctx,
        [&]() -> awaitable<void> {
            auto ex = co_await rill::this_coro::executor;
            bool at_first = co_await rill::this_coro::throw_if_cancelled();
            co_await rill::this_coro::throw_if_cancelled(false);
            bool then = co_await rill::this_coro::throw_if_cancelled();
            CHECK((at_first && !then));
            signal.emit(rill::cancellation_type::terminal);
            co_await post(ex, rill::deferred);
            steps.push_back(1);
            auto state = co_await rill::this_coro::cancellation_state;
            CHECK(state.cancelled() == rill::cancellation_type::terminal);
            co_await rill::this_coro::throw_if_cancelled(true);
            steps.push_back(2);
            co_await post(ex, rill::deferred);
            steps.push_back(3);
        },
        rill::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) { ended = code_of(e); }));
    ctx.run();
    CHECK(steps == std::vector<int>{1, 2});
    CHECK(ended == rill::error::operation_aborted);
}

TEST_CASE("reset_cancellation_state changes what gets through", "[coroutine][cancellation]") {
    rill::io_context ctx(1);
    rill::cancellation_signal signal;
    rill::error_code inner;
    bool finished = false;
    co_spawn(
        ctx,
        [&]() -> awaitable<void> {
            co_await rill::this_coro::reset_cancellation_state(rill::enable_total_cancellation());
            try {
                co_await wait_for_ever();
            } catch (const rill::system_error& e) {
                inner = e.code();
            }
            co_await rill::this_coro::reset_cancellation_state(rill::disable_cancellation());
            signal.emit(rill::cancellation_type::all);
            auto state = co_await rill::this_coro::cancellation_state;
            CHECK(state.cancelled() == rill::cancellation_type::none);
            rill::steady_timer timer(co_await rill::this_coro::executor);
            co_await timer.async_wait(rill::deferred);
            co_await rill::this_coro::reset_cancellation_state(
                [](rill::cancellation_type t) { return t; },
                [](rill::cancellation_type) { return rill::cancellation_type::none; });
            signal.emit(rill::cancellation_type::partial);
            state = co_await rill::this_coro::cancellation_state;
            CHECK(state.cancelled() == rill::cancellation_type::partial);
            finished = true;
        },
        rill::bind_cancellation_slot(signal.slot(), rill::detached));
    ctx.poll();
    signal.emit(rill::cancellation_type::total);
    ctx.restart();
    ctx.run();
    CHECK(inner == rill::error::operation_aborted);
    CHECK(finished);
}

TEST_CASE("a spawned coroutine that is awaited, cancelled and reset is not cancelled again",
          "[coroutine][cancellation]") {
    rill::io_context ctx(1);
    rill::cancellation_signal signal;
    rill::error_code inner;
    bool cleaned_up = false;
    auto child = [&]() -> awaitable<void> {
        try {
            co_await wait_for_ever();
        } catch (const rill::system_error& e) {
            inner = e.code();
        }
        co_await rill::this_coro::reset_cancellation_state();
        rill::steady_timer timer(co_await rill::this_coro::executor);
        co_await timer.async_wait(rill::deferred);
        cleaned_up = true;
    };
    co_spawn(
        ctx, [&]() -> awaitable<void> { co_await co_spawn(ctx, child, rill::use_awaitable); },
        rill::bind_cancellation_slot(signal.slot(), rill::detached));
    ctx.poll();
    signal.emit(rill::cancellation_type::terminal);
    ctx.restart();
    ctx.run();
    CHECK(inner == rill::error::operation_aborted);
    CHECK(cleaned_up);
}

TEST_CASE("a signal may die before the coroutine that it could have cancelled", "[coroutine][cancellation]") {
    rill::io_context ctx(1);
    bool done = false;
    auto signal = std::make_unique<rill::cancellation_signal>();
    co_spawn(
        ctx,
        [&]() -> awaitable<void> {
            rill::steady_timer timer(co_await rill::this_coro::executor, 1ms);
            co_await timer.async_wait(rill::deferred);
            timer.expires_after(1ms);
            co_await timer.async_wait(rill::deferred);
            done = true;
        },
        rill::bind_cancellation_slot(signal->slot(), rill::detached));
    ctx.poll();
    signal.reset();
    ctx.restart();
    ctx.run();
    CHECK(done);
}

TEST_CASE("a cancellation from another thread is not lost between two awaits", "[coroutine][stress]") {
    int ended = 0;
    constexpr int rounds = 2000;
    for (int round = 0; round < rounds; ++round) {
        rill::io_context ctx(round % 2 + 1);
        rill::cancellation_signal signal;
        std::atomic<bool> go{false};
        co_spawn(
            ctx,
            [&]() -> awaitable<void> {
                auto ex = co_await rill::this_coro::executor;
                rill::steady_timer timer(ex, 1h);
                go = true;
                for (int i = 0; i < round % 5; ++i)
                    co_await post(ex, rill::deferred);
                co_await timer.async_wait(rill::deferred);
            },
            rill::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr) { ++ended; }));
        std::thread canceller([&] {
            while (!go)
                std::this_thread::yield();
            signal.emit(rill::cancellation_type::terminal);
        });
        ctx.run();
        canceller.join();
    }
    CHECK(ended == rounds);
}

TEST_CASE("coroutines on many threads, cancelled from others, all end exactly once", "[coroutine][stress]") {
    constexpr int coroutines = 200, rounds = 20;
    std::atomic<int> ended{0}, twice{0};
    for (int round = 0; round < rounds; ++round) {
        rill::io_context ctx;
        std::vector<std::unique_ptr<rill::cancellation_signal>> signals;
        auto calls = std::make_unique<std::atomic<int>[]>(coroutines);
        for (int i = 0; i < coroutines; ++i) {
            signals.push_back(std::make_unique<rill::cancellation_signal>());
            co_spawn(
                ctx,
                [i]() -> awaitable<void> {
                    rill::steady_timer timer(co_await rill::this_coro::executor);
                    for (int n = 0; n < 5; ++n) {
                        timer.expires_after(std::chrono::microseconds(i % 7 * 10));
                        co_await timer.async_wait(rill::deferred);
                    }
                },
                rill::bind_cancellation_slot(signals.back()->slot(), [&, i](std::exception_ptr) {
                    if (calls[static_cast<std::size_t>(i)]++ != 0)
                        ++twice;
                    ++ended;
                }));
        }
        std::vector<std::thread> threads;
        for (int t = 0; t < 2; ++t)
            threads.emplace_back([&] { ctx.run(); });
        for (int t = 0; t < 2; ++t)
            threads.emplace_back([&, t] {
                for (std::size_t i = static_cast<std::size_t>(t); i < signals.size(); i += 2)
                    signals[i]->emit(rill::cancellation_type::terminal);
            });
        for (auto& t : threads)
            t.join();
    }
    CHECK(ended == coroutines * rounds);
    CHECK(twice == 0);
}
