// SPDX-License-Identifier: BSL-1.0
#include <rill/context/sharded_context.hpp>

#include <rill/io/steady_timer.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/post.hpp>
#include <rill/token/use_future.hpp>

#include <support/backends.hpp>
#include <support/capabilities.hpp>
#include <support/catch.hpp>
#include <support/no_threads.hpp>
#include <support/processors.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using rill::sharded_context;
using namespace std::chrono_literals;

TEST_CASE("each shard runs what is posted to it on a thread of its own", "[context][sharded_context]") {
    sharded_context context(3);
    REQUIRE(context.size() == 3);
    CHECK(context.this_shard() == sharded_context::no_shard);
    std::set<std::thread::id> threads;
    for (std::size_t i = 0; i < context.size(); ++i) {
        auto where = rill::post(
            context.shard(i), [&] { return std::pair(context.this_shard(), std::this_thread::get_id()); },
            rill::use_future);
        auto [shard, thread] = where.get();
        CHECK(shard == i);
        CHECK(thread != std::this_thread::get_id());
        threads.insert(thread);
        auto again = rill::post(
            context.get_executor(i), [] { return std::this_thread::get_id(); }, rill::use_future);
        CHECK(again.get() == thread);
    }
    CHECK(threads.size() == 3);
}

TEST_CASE("a sharded context has a shard for each processor, unless told otherwise", "[context][sharded_context]") {
    sharded_context context;
    CHECK(context.size() == my_processors().size());
    CHECK(sharded_context(1).size() == 1);
    CHECK_THROWS_AS(sharded_context(0), rill::system_error);
}

TEST_CASE("a shard's thread is no thread of another sharded context", "[context][sharded_context]") {
    sharded_context first(1), second(1);
    auto other = rill::post(
        first.shard(0), [&second] { return second.this_shard(); }, rill::use_future);
    CHECK(other.get() == sharded_context::no_shard);
}

TEST_CASE("the mechanism of the shards can be chosen", "[context][sharded_context]") {
    sharded_context context(2, {.mechanism = backends::other().which});
    CHECK(context.shard(0).backend_name() == backends::other().name);
    CHECK(context.shard(1).backend_name() == backends::other().name);
}

TEST_CASE("shards are pinned to the processors that are named", "[context][sharded_context]") {
    const std::vector<int> processors = rill::allowed_processors();
    CHECK(std::set<int>(processors.begin(), processors.end()) == my_processors());
    sharded_context context(processors.size() + 1, {.processors = processors});
    for (std::size_t i = 0; i < context.size(); ++i) {
        auto allowed = rill::post(context.shard(i), &my_processors, rill::use_future);
        CHECK(allowed.get() == std::set<int>{processors[i % processors.size()]});
    }
    CHECK(my_processors().size() == processors.size());  // the caller is left alone
}

TEST_CASE("a processor that there is not is an error of the constructor", "[context][sharded_context]") {
    const int processor = GENERATE(-1, 8191, 8192, 1 << 30);
    std::string what;
    try {
        sharded_context context(2, {.processors = {my_processors().empty() ? 0 : *my_processors().begin(), processor}});
    } catch (const rill::system_error& e) {
        CHECK(e.code() == rill::error::invalid_argument);
        what = e.what();
    }
    CHECK(what.find("pinned") != std::string::npos);
}

TEST_CASE("join waits for the work of every shard", "[context][sharded_context]") {
    sharded_context context(3);
    std::atomic<int> done = 0;
    auto guard = rill::make_work_guard(context.shard(2));
    rill::steady_timer timer(context.shard(1), 1ms);
    timer.async_wait([&](rill::error_code) {
        ++done;
        rill::post(context.shard(0), [&] {
            ++done;
            guard.reset();
        });
    });
    CHECK(!context.stopped());
    context.join();
    CHECK(done == 2);
    CHECK(context.stopped());
    context.join();
    context.stop();
}

TEST_CASE("join of shards that have never had work returns", "[context][sharded_context]") {
    sharded_context context(4);
    context.join();
    CHECK(context.stopped());
}

// Each of them is without work most of the time while the others are not: none may leave early, nor join() before all
// are done.
TEST_CASE("work that goes from shard to shard keeps all of them running", "[context][sharded_context]") {
    constexpr int hops = 2000;
    for (int round = 0; round < 10; ++round) {
        sharded_context context(3);
        std::atomic<int> done = 0;
        std::function<void(int)> hop = [&](int left) {
            ++done;
            if (left > 1)
                rill::post(context.shard((context.this_shard() + 1) % context.size()), [&hop, left] { hop(left - 1); });
        };
        for (int chain = 0; chain <= round % 2; ++chain)
            rill::post(context.shard(0), [&hop] { hop(hops); });
        context.join();
        REQUIRE(done == hops * (1 + round % 2));
    }
}

TEST_CASE("a shard that waits for another one is answered while the context is joined", "[context][sharded_context]") {
    sharded_context context(2);
    std::atomic<bool> answered = false;
    rill::steady_timer timer(context.shard(0), 5ms);
    timer.async_wait([&](rill::error_code) {  // shard 1 has been without work for long
        rill::post(
            context.shard(1), [] { return 1; }, rill::bind_executor(context.get_executor(0), [&](int n) {
                answered = n == 1 && context.this_shard() == 0;
            }));
    });
    context.join();
    CHECK(answered);
}

TEST_CASE("stop lets no handler start, and what is left is destroyed with the context", "[context][sharded_context]") {
    auto owned = std::make_shared<int>();
    std::atomic<int> calls = 0;
    {
        sharded_context context(2);
        std::atomic<bool> inside = false, go_on = false;
        rill::post(context.shard(0), [&] {
            inside = true;
            while (!go_on)
                std::this_thread::yield();
        });
        REQUIRE(soon([&] { return inside.load(); }));
        rill::post(context.shard(0), [&calls, owned] { ++calls; });
        rill::steady_timer timer(context.shard(1), 1h);
        timer.async_wait([&calls, owned](rill::error_code) { ++calls; });
        context.stop();
        CHECK(context.stopped());
        go_on = true;
        context.join();
        CHECK(owned.use_count() == 3);
    }
    CHECK(calls == 0);
    CHECK(owned.use_count() == 1);
}

TEST_CASE("a handler may stop the context, and another thread a join", "[context][sharded_context]") {
    {
        sharded_context context(2);
        const auto guard = rill::make_work_guard(context.shard(0));
        rill::post(context.shard(1), [&context] { context.stop(); });
        context.join();
    }
    {
        sharded_context context(2);
        const auto guard = rill::make_work_guard(context.shard(0));
        std::thread first([&context] { context.join(); });
        std::thread second([&context] { context.join(); });
        context.stop();
        first.join();
        second.join();
        CHECK(context.stopped());
    }
}

TEST_CASE("join on a shard's own thread is an error", "[context][sharded_context]") {
    sharded_context context(2);
    auto joined = rill::post(context.shard(1), rill::use_future([&context]() -> rill::error_code {
                                 try {
                                     context.join();
                                     return {};
                                 } catch (const rill::system_error& e) {
                                     return e.code();
                                 }
                             }));
    CHECK(joined.get() == boost::system::errc::resource_deadlock_would_occur);
}

#if TEST_CAN_REFUSE_THREADS
TEST_CASE("a sharded context without enough threads is an error", "[context][sharded_context]") {
    const no_threads refused;
    CHECK_THROWS_AS(sharded_context(2), rill::system_error);
}
#endif

TEST_CASE("a context that is destroyed at once, with work on all shards, ends", "[context][sharded_context]") {
    for (int round = 0; round < 50; ++round) {
        auto owned = std::make_shared<int>();
        {
            sharded_context context(3);
            for (std::size_t i = 0; i < 3; ++i) {
                // What a shard has left owns objects of the others, whichever is destroyed first.
                auto timer = std::make_shared<rill::steady_timer>(context.shard((i + 1) % 3), 1h);
                auto guard = rill::make_work_guard(context.shard((i + 2) % 3));
                timer->async_wait([timer, guard, owned](rill::error_code) {});
                rill::post(context.shard(i), [timer, guard, owned] {});
            }
        }
        REQUIRE(owned.use_count() == 1);
    }
}
