// SPDX-License-Identifier: BSL-1.0
#include <rill/coroutine/spawn.hpp>

#include <rill/context/io_context.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/post.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

TEST_CASE("stackful coroutines go from thread to thread", "[coroutine][spawn]") {
    rill::io_context ctx;
    std::atomic<int> done{0};
    std::atomic<int> caught{0};
    constexpr int coroutines = 8;
    constexpr int rounds = 200;
    for (int i = 0; i != coroutines; ++i) {
        rill::spawn(
            ctx,
            [&](rill::yield_context yield) {
                rill::steady_timer timer(yield.get_executor());
                for (int r = 0; r != rounds; ++r) {
                    try {
                        rill::post(ctx, yield);
                        if (r % 8 == 0)
                            throw std::runtime_error("now and then");
                        timer.expires_after(std::chrono::microseconds(r));
                        timer.async_wait(yield);
                    } catch (const std::runtime_error&) {
                        rill::post(ctx, yield);
                        ++caught;
                    }
                }
            },
            [&](std::exception_ptr e) { done += e ? 1000 : 1; });
    }
    std::vector<std::thread> threads;
    for (int i = 0; i != 3; ++i)
        threads.emplace_back([&] { ctx.run(); });
    for (auto& t : threads)
        t.join();
    CHECK(done == coroutines);
    CHECK(caught == coroutines * rounds / 8);
}

TEST_CASE("a stackful coroutine is cancelled from another thread", "[coroutine][spawn]") {
    rill::io_context ctx;
    for (int round = 0; round != 100; ++round) {
        ctx.restart();
        rill::cancellation_signal signal;
        bool cancelled = false;
        rill::spawn(
            ctx,
            [&](rill::yield_context yield) {
                rill::steady_timer timer(ctx, 1h);
                for (;;)
                    timer.async_wait(yield);
            },
            rill::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) { cancelled = e != nullptr; }));
        std::thread canceller([&] { signal.emit(rill::cancellation_type::terminal); });
        ctx.run();
        canceller.join();
        REQUIRE(cancelled);
    }
}
