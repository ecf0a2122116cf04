// SPDX-License-Identifier: BSL-1.0
#include <rill/context/background_loop.hpp>

#include <rill/context/io_context.hpp>
#include <rill/coroutine/awaitable.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/this_coro.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/deferred.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/redirect_error.hpp>
#include <rill/token/use_future.hpp>

#include <support/catch.hpp>
#include <support/own_context.hpp>

#include <chrono>
#include <future>
#include <thread>
#include <tuple>

// Each token on a context that is no loop.

using namespace std::chrono_literals;
using rill::local::stream_protocol;

TEST_CASE("futures on a context that is no loop", "[context][own_context]") {
    own_context ctx;
    rill::steady_timer timer(ctx, 1ms);
    std::future<void> waited = timer.async_wait(rill::use_future);
    std::thread runner([&] { ctx.run(); });
    waited.get();
    runner.join();

    timer.expires_after(1h);
    auto aborted = timer.async_wait(rill::as_tuple(rill::use_future));
    timer.cancel();
    ctx.run();
    CHECK(std::get<0>(aborted.get()) == rill::error::operation_aborted);
}

TEST_CASE("deferred and detached operations on a context that is no loop", "[context][own_context]") {
    own_context ctx;
    rill::steady_timer timer(ctx, 0ms);
    auto later = timer.async_wait(rill::deferred);
    CHECK(ctx.run() == 0);
    rill::error_code result = rill::error::fault;
    std::move(later)([&](rill::error_code ec) { result = ec; });
    timer.async_wait(rill::detached);
    CHECK(ctx.run() == 2);
    CHECK_FALSE(result);
}

TEST_CASE("coroutines on a context that is no loop stay on its threads", "[context][own_context]") {
    own_context ctx;
    stream_protocol::socket a(ctx), b(ctx);
    rill::local::connect_pair(a, b);
    const auto here = std::this_thread::get_id();
    bool always_here = true, ended = false;
    int rounds = 0;
    rill::error_code end;
    const auto echo = [&]() -> rill::awaitable<void> {
        char c;
        for (;;) {
            auto [ec, n] = co_await b.async_read_some(rill::buffer(&c, 1), rill::as_tuple(rill::use_awaitable));
            always_here = always_here && std::this_thread::get_id() == here;
            if (ec)
                co_return;
            co_await b.async_write_some(rill::buffer(&c, n), rill::use_awaitable);
        }
    };
    const auto client = [&]() -> rill::awaitable<void> {
        auto ex = co_await rill::this_coro::executor;
        always_here = always_here && &ex.context() == &ctx;
        rill::steady_timer timer(ex);
        for (char c = 'a'; c != 'd'; ++c) {
            co_await a.async_write_some(rill::buffer(&c, 1));
            char answer = 0;
            co_await a.async_read_some(rill::buffer(&answer, 1));
            rounds += answer == c;
            timer.expires_after(1ms);
            co_await timer.async_wait();
            always_here = always_here && std::this_thread::get_id() == here;
        }
        timer.expires_after(1h);
        timer.cancel();
        a.close();
        char c;
        co_await a.async_read_some(rill::buffer(&c, 1), rill::redirect_error(rill::use_awaitable, end));
    };
    rill::co_spawn(ctx.get_executor(), echo(), rill::detached);
    rill::co_spawn(ctx, client(), [&](std::exception_ptr e) { ended = !e; });
    ctx.run();
    CHECK(ended);
    CHECK(rounds == 3);
    CHECK(always_here);
    CHECK(end == rill::error::bad_descriptor);
}

TEST_CASE("coroutine frames are destroyed with a context that is no loop", "[context][own_context]") {
    auto owned = std::make_shared<int>();
    {
        own_context ctx;
        rill::co_spawn(
            ctx,
            [&ctx, owned]() -> rill::awaitable<void> {
                rill::steady_timer timer(ctx, 1h);
                rill::co_spawn(
                    ctx, [owned]() -> rill::awaitable<void> { co_return; }, rill::detached);
                co_await timer.async_wait();
            },
            rill::detached);
        std::thread([&] {
            rill::steady_timer stopper(ctx, 0ms);
            bool begun = false;
            stopper.async_wait([&](rill::error_code) { begun = true; });
            while (!begun)
                ctx.run(1);
        }).join();
        CHECK(owned.use_count() > 1);
    }
    CHECK(owned.use_count() == 1);
}

TEST_CASE("handlers of other executors run there, whatever their object's context is", "[context][own_context]") {
    own_context own;
    rill::io_context loop(1);
    int on_loop = 0, on_own = 0;
    rill::steady_timer own_timer(own, 0ms), loop_timer(loop, 0ms);
    own_timer.async_wait(rill::bind_executor(loop, [&](rill::error_code) { ++on_loop; }));
    CHECK(loop.run() == 1);  // it is work of the handler's context, though none has come yet
    CHECK(on_loop == 1);

    loop_timer.async_wait(rill::bind_executor(own, [&](rill::error_code) { ++on_own; }));
    loop.restart();
    CHECK(loop.run() == 1);
    CHECK(on_own == 0);
    CHECK(own.run() == 1);
    CHECK(on_own == 1);
}
