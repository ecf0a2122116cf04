// SPDX-License-Identifier: BSL-1.0
#include <rill/context/thread_pool.hpp>

#include <rill/context/config.hpp>
#include <rill/context/executor_work_guard.hpp>
#include <rill/context/static_thread_pool.hpp>
#include <rill/execution/any_io_executor.hpp>
#include <rill/token/post.hpp>

#include <support/backends.hpp>
#include <support/capabilities.hpp>
#include <support/catch.hpp>
#include <support/counting_allocator.hpp>
#include <support/no_threads.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

using rill::thread_pool;
namespace execution = rill::execution;

namespace {

/// Holds a thread of a pool until it is opened.
struct gate {
    std::atomic<bool> reached{false}, open{false};
    void operator()() {
        reached = true;
        soon([this] { return open.load(); });
    }
};

/// The threads on which as many functions run at the same time.
std::set<std::thread::id> threads_of(thread_pool& pool, int n) {
    std::mutex mutex;
    std::set<std::thread::id> ids;
    std::atomic<int> inside{0}, done{0};
    for (int i = 0; i < n; ++i)
        rill::post(pool, [&] {
            ++inside;
            soon([&] { return inside == n; });
            {
                const std::lock_guard lock(mutex);
                ids.insert(std::this_thread::get_id());
            }
            ++done;
        });
    soon([&] { return done == n; });
    return ids;
}

std::error_condition deadlock() { return std::make_error_condition(std::errc::resource_deadlock_would_occur); }

template <class Function>
rill::error_code error_of(Function f) {
    try {
        f();
    } catch (const rill::system_error& e) {
        return e.code();
    }
    return rill::error_code();
}

}  // namespace

TEST_CASE("a pool runs functions on as many threads as it was told", "[context][thread_pool]") {
    thread_pool pool(3);
    const auto ids = threads_of(pool, 3);
    CHECK(ids.size() == 3);
    CHECK(ids.count(std::this_thread::get_id()) == 0);
    CHECK(pool.occupancy() == 3);
    pool.join();
    CHECK(pool.occupancy() == 0);
}

TEST_CASE("a pool has at least two threads if it is not told", "[context][thread_pool]") {
    thread_pool pool;
    CHECK(threads_of(pool, 2).size() == 2);
}

TEST_CASE("a pool of more threads than an int counts is refused", "[context][thread_pool]") {
    CHECK(error_of([] { thread_pool pool(static_cast<std::size_t>(-1)); }) == rill::error::invalid_argument);
}

#if TEST_CAN_REFUSE_THREADS
TEST_CASE("a pool to which the system refuses threads is an error", "[context][thread_pool]") {
    const no_threads refused;
    CHECK(error_of([] { thread_pool pool(2); }) == rill::error::try_again);
    CHECK(thread_pool(0).occupancy() == 0);
}
#endif

TEST_CASE("a pool runs on the backend that it is told", "[context][thread_pool]") {
    CHECK(thread_pool(1, backends::other().which).backend_name() == backends::other().name);
    CHECK(thread_pool(1, backends::best().which).backend_name() == backends::best().name);
}

TEST_CASE("a pool is configured, but for its number of threads", "[context][thread_pool]") {
    const rill::config_from_string config("reactor.backend=" + backends::other().name +
                                          "\nscheduler.concurrency_hint=1");
    thread_pool pool(2, config);
    CHECK(pool.backend_name() == backends::other().name);
    CHECK(threads_of(pool, 2).size() == 2);
    CHECK(rill::config(pool).get("scheduler", "concurrency_hint", 0) == 1);
    CHECK(error_of([] { thread_pool bad(2, rill::config_from_string("scheduler.concurrency_hint=x")); }) ==
          rill::error::invalid_argument);
}

TEST_CASE("a pool lies in memory of its allocator", "[context][thread_pool]") {
    allocation_counts counts;
    {
        thread_pool pool(std::allocator_arg, counting_allocator<char>(counts));
        CHECK(threads_of(pool, 2).size() == 2);
        pool.join();
        CHECK(counts.blocks != 0);
    }
    {
        const std::size_t before = counts.all_blocks;
        thread_pool pool(std::allocator_arg, counting_allocator<char>(counts), 2, backends::other().which);
        CHECK(pool.backend_name() == backends::other().name);
        CHECK(threads_of(pool, 2).size() == 2);
        pool.join();
        CHECK(counts.all_blocks > before);
    }
    {
        thread_pool pool(std::allocator_arg, counting_allocator<char>(counts), 2,
                         rill::config_from_string("reactor.backend=" + backends::other().name));
        CHECK(pool.backend_name() == backends::other().name);
        pool.join();
        CHECK(counts.blocks != 0);
    }
    CHECK(counts.blocks == 0);
}

TEST_CASE("join() waits for what is queued and what that posts", "[context][thread_pool]") {
    thread_pool pool(2);
    std::atomic<int> count{0};
    struct chain {
        thread_pool& pool;
        std::atomic<int>& count;
        int left;
        void operator()() {
            ++count;
            if (left > 1)
                rill::post(pool, chain{pool, count, left - 1});
        }
    };
    for (int i = 0; i < 10; ++i)
        rill::post(pool, chain{pool, count, 50});
    if (GENERATE(false, true))
        pool.wait();
    else
        pool.join();
    CHECK(count == 500);
}

TEST_CASE("join() waits for work guards and tracked executors", "[context][thread_pool]") {
    thread_pool pool(1);
    std::optional guard(rill::make_work_guard(pool));
    std::atomic<bool> joined{false};
    std::thread joiner([&] {
        pool.join();
        joined = true;
    });
    // The pool is alive as long as the guard is, whether join() has been called by now or not.
    std::atomic<int> ran{0};
    for (int i = 0; i < 100; ++i)
        rill::post(pool, [&ran] { ++ran; });
    CHECK(soon([&] { return ran == 100; }));
    CHECK_FALSE(joined);
    guard.reset();
    joiner.join();
    CHECK(joined);
}

TEST_CASE("join() and wait() may be called again, and by several threads", "[context][thread_pool]") {
    thread_pool pool(2);
    std::atomic<int> count{0};
    for (int i = 0; i < 100; ++i)
        rill::post(pool, [&] { ++count; });
    std::vector<std::thread> joiners;
    std::atomic<int> complete{0};
    for (int i = 0; i < 3; ++i)
        joiners.emplace_back([&] {
            pool.join();
            complete += count == 100;
        });
    for (auto& t : joiners)
        t.join();
    CHECK(complete == 3);
    pool.join();
    pool.wait();
    rill::post(pool, [&] { ++count; });  // nobody is left to run it
    pool.join();
    CHECK(count == 100);
}

TEST_CASE("stop() lets no more functions start, and lets those that run come to their end", "[context][thread_pool]") {
    std::atomic<bool> ended{false};
    int ran = 0;
    auto owned = std::make_shared<int>();
    {
        thread_pool pool(1);
        gate g;
        rill::post(pool, [&] {
            g();
            ended = true;
        });
        REQUIRE(soon([&] { return g.reached.load(); }));
        for (int i = 0; i < 10; ++i)
            rill::post(pool, [&ran, owned] { ++ran; });
        pool.stop();
        rill::post(pool, [&ran, owned] { ++ran; });
        g.open = true;
        pool.join();
        CHECK(ended);
        CHECK(owned.use_count() == 12);
    }
    CHECK(ran == 0);
    CHECK(owned.use_count() == 1);
}

TEST_CASE("the destructor of a pool stops and joins it", "[context][thread_pool]") {
    std::atomic<bool> ended{false};
    auto owned = std::make_shared<int>();
    gate g;
    std::thread opener;
    {
        thread_pool pool(1);
        rill::post(pool, [&] {
            g();
            ended = true;
        });
        REQUIRE(soon([&] { return g.reached.load(); }));
        rill::post(pool, [guard = rill::make_work_guard(pool), owned] {});  // would keep it for ever
        opener = std::thread([&] { g.open = true; });
    }
    CHECK(ended);
    CHECK(owned.use_count() == 1);
    opener.join();
}

TEST_CASE("a pool without threads runs on those that attach themselves", "[context][thread_pool]") {
    thread_pool pool(0);
    std::thread::id here;
    std::atomic<bool> ran{false};
    rill::post(pool, [&] {
        here = std::this_thread::get_id();
        ran = true;
    });
    pool.join();  // nobody is there to wait for
    CHECK_FALSE(ran);
    pool.attach();  // nothing is left to do after that
    CHECK(ran);
    CHECK(here == std::this_thread::get_id());
}

TEST_CASE("an attached thread is one of the pool's until that is stopped or joined", "[context][thread_pool]") {
    thread_pool pool(1);
    std::atomic<bool> left{false};
    std::thread other([&] {
        pool.attach();
        left = true;
    });
    const auto attached = other.get_id();
    const auto ids = threads_of(pool, 2);
    CHECK(ids.size() == 2);
    CHECK(ids.count(attached) == 1);
    CHECK(pool.occupancy() == 2);
    CHECK_FALSE(left);
    if (GENERATE(false, true)) {
        pool.stop();
        other.join();
    } else {
        pool.join();
        other.join();
    }
    CHECK(left);
}

TEST_CASE("attach() to a pool that is stopped or joined returns at once", "[context][thread_pool]") {
    thread_pool pool(1);
    int ran = 0;
    if (GENERATE(false, true)) {
        pool.stop();
        rill::post(pool, [&] { ++ran; });
    } else {
        pool.join();
    }
    pool.attach();
    pool.attach();
    CHECK(ran == 0);
}

TEST_CASE("a pool may be destroyed as soon as it is joined, though threads were attached", "[context][thread_pool]") {
    for (int i = 0; i < 200; ++i) {
        std::optional<thread_pool> pool(std::in_place, 0u);
        std::atomic<bool> inside{false};
        rill::post(*pool, [&] { inside = true; });
        std::thread other([&pool = *pool] { pool.attach(); });
        soon([&] { return inside.load(); });
        if (i % 2)
            pool->join();
        pool.reset();
        other.join();
    }
    SUCCEED();
}

TEST_CASE("a pool's own thread cannot wait for the pool", "[context][thread_pool]") {
    thread_pool pool(1);
    rill::error_code joined, waited, attached;
    rill::post(pool, [&] { joined = error_of([&] { pool.join(); }); });
    rill::post(pool, [&] { waited = error_of([&] { pool.wait(); }); });
    pool.join();
    CHECK(joined == deadlock());
    CHECK(waited == deadlock());

    thread_pool other(0);
    rill::post(other, [&] { attached = error_of([&] { other.join(); }); });
    rill::post(other, [&] { other.stop(); });
    other.attach();
    CHECK(attached == deadlock());
}

TEST_CASE("another pool's thread can wait for a pool", "[context][thread_pool]") {
    thread_pool pool(1), other(1);
    std::atomic<int> count{0};
    rill::post(other, [&] {
        for (int i = 0; i < 10; ++i)
            rill::post(pool, [&] { ++count; });
        pool.join();
        count += 100;
    });
    other.join();
    CHECK(count == 110);
}

TEST_CASE("a pool's executor knows the pool and where it runs", "[context][thread_pool]") {
    thread_pool pool(1);
    auto ex = pool.get_executor();
    CHECK(ex == pool.executor());
    CHECK(&ex.context() == &pool);
    CHECK(&rill::query(ex, execution::context) == &pool);
    CHECK(rill::query(ex, execution::blocking) == execution::blocking_t(execution::blocking.possibly));
    CHECK_FALSE(ex.running_in_this_thread());
    bool inside = false;
    rill::post(ex, [&] { inside = ex.running_in_this_thread(); });
    rill::any_io_executor any(ex);
    CHECK(&any.context() == &pool);
    std::atomic<bool> ran{false};
    rill::post(any, [&] { ran = true; });
    pool.join();
    CHECK(inside);
    CHECK(ran);
    static_assert(std::is_same_v<rill::static_thread_pool, thread_pool>);
    static_assert(execution::executor<thread_pool::executor_type>);
}

TEST_CASE("execute() waits for the function with blocking.always, and runs it at once on the pool itself",
          "[context][thread_pool]") {
    thread_pool pool(1);
    auto waits = rill::require(pool.get_executor(), execution::blocking.always);
    CHECK(rill::query(waits, execution::blocking) == execution::blocking_t(execution::blocking.always));
    CHECK(rill::query(waits, execution::blocking.possibly) == execution::blocking_t(execution::blocking.always));
    std::thread::id there;
    waits.execute([&, unused = std::make_unique<int>()] { there = std::this_thread::get_id(); });
    CHECK(there != std::thread::id());
    CHECK(there != std::this_thread::get_id());

    bool nested = false;
    waits.execute([&] { waits.execute([&] { nested = true; }); });
    CHECK(nested);

    CHECK(rill::require(waits, execution::blocking.possibly) == pool.get_executor());
    auto tracked = rill::require(waits, execution::outstanding_work.tracked);
    CHECK(rill::query(tracked, execution::outstanding_work) ==
          execution::outstanding_work_t(execution::outstanding_work.tracked));
    int ran = 0;
    tracked.execute([&] { ++ran; });
    CHECK(ran == 1);

    rill::any_io_executor any(waits);  // keeps it
    CHECK(rill::query(any, execution::blocking) == execution::blocking_t(execution::blocking.always));
    any.execute([&] { ++ran; });
    CHECK(ran == 2);
}
