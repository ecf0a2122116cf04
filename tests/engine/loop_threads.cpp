// SPDX-License-Identifier: BSL-1.0
#include <rill/engine/scheduler/loop_threads.hpp>

#include <support/capabilities.hpp>
#include <support/catch.hpp>
#include <support/loop_harness.hpp>
#include <support/no_threads.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <optional>

using rill::engine::loop_threads;
using rill::engine::threading;

TEST_CASE("threads of a loop run it until they are joined and it is out of work", "[engine][loop_threads]") {
    loop_harness l(threading::shared);
    loop_threads threads(*l);
    threads.start(2);
    CHECK(threads.count() == 2);
    std::atomic<int> ran{0};
    for (int i = 0; i < 100; ++i)
        l.post([&] { ++ran; });
    CHECK(soon([&] { return ran == 100; }));
    CHECK(threads.count() == 2);
    std::optional<work_guard> guard(*l);
    l.post([&] { guard.reset(); });
    threads.join();
    CHECK(threads.count() == 0);
    CHECK_FALSE(guard);
    CHECK(l->stopped());
}

#if TEST_CAN_REFUSE_THREADS
TEST_CASE("if the system refuses a thread, those that were made are gone, and their loop is stopped",
          "[engine][loop_threads]") {
    loop_harness l(threading::shared);
    loop_threads threads(*l);
    threads.start(2);
    {
        const no_threads refused;
        CHECK_THROWS_AS(threads.start(1), rill::system_error);
    }
    CHECK(l->stopped());
    CHECK(threads.count() == 0);
    threads.join();
}
#endif
