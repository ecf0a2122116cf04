// SPDX-License-Identifier: BSL-1.0
#include <rill/context/thread_pool.hpp>

#include <rill/context/io_context.hpp>
#include <rill/context/system_executor.hpp>
#include <rill/token/post.hpp>

#include <support/alone.hpp>
#include <support/capabilities.hpp>
#include <support/catch.hpp>
#include <support/child_process.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

// What ends the process, and what can happen only once in each.

using rill::thread_pool;
namespace execution = rill::execution;

TEST_CASE("alone a function throws on a pool", "[.]") {
    end_soon();
    thread_pool pool(1);
    rill::post(pool, [] { throw std::runtime_error("out of a pool"); });
    pool.join();
}

TEST_CASE("alone a function throws on an attached thread", "[.]") {
    end_soon();
    thread_pool pool(0);
    rill::post(pool, [] { throw std::runtime_error("out of attach"); });
    try {
        pool.attach();
    } catch (const std::exception&) {
    }
}

TEST_CASE("what a function throws on a pool ends the program", "[context][thread_pool]") {
    const ending own = run_alone("alone a function throws on a pool");
    CHECK(own.aborted());
    CHECK(own.says("out of a pool"));
    const ending attached = run_alone("alone a function throws on an attached thread");
    CHECK(attached.aborted());
    CHECK(attached.says("out of attach"));
}

TEST_CASE("alone a pool is destroyed by its own thread", "[.]") {
    end_soon();
    auto* pool = new thread_pool(1);
    rill::post(*pool, [pool] { delete pool; });
    for (;;)
        std::this_thread::yield();
}

TEST_CASE("a pool that its own thread destroys ends the program, and says why", "[context][thread_pool]") {
    const ending e = run_alone("alone a pool is destroyed by its own thread");
    CHECK(e.aborted());
    CHECK(e.says("a pool is destroyed by one of its own threads"));
}

TEST_CASE("alone a context is run by the destructor of a handler", "[.]") {
    end_soon();
    rill::io_context ctx(1);
    std::shared_ptr<void> at_end(nullptr, [&](void*) { ctx.run(); });
    rill::post(ctx, [at_end] {});
}

TEST_CASE("alone a context is polled by a service that is shut down", "[.]") {
    struct poller final : rill::execution_context::service {
        using rill::execution_context::service::service;
        explicit poller(rill::execution_context& c) : service(c) {}
        void shutdown() override { static_cast<rill::io_context&>(context()).poll(); }
    };
    end_soon();
    rill::io_context ctx;
    rill::use_service<poller>(ctx);
}

TEST_CASE("alone a pool is entered by the destructor of a handler", "[.]") {
    end_soon();
    thread_pool pool(0);
    std::shared_ptr<void> at_end(nullptr, [&](void*) { pool.attach(); });
    rill::post(pool, [at_end] {});
}

#if defined(RILL_CHECKED)
TEST_CASE("a context that is run from inside its destructor ends the program, and says why", "[context]") {
    for (const char* test : {"alone a context is run by the destructor of a handler",
                             "alone a context is polled by a service that is shut down",
                             "alone a pool is entered by the destructor of a handler"}) {
        CAPTURE(test);
        const ending e = run_alone(test);
        CHECK(e.aborted());
        CHECK(e.says("a context is not run from inside its own destructor"));
    }
}
#endif

TEST_CASE("alone the system context is stopped and joined", "[.]") {
    end_soon();
    auto& system = rill::system_executor().context();
    REQUIRE(&system == &rill::query(rill::system_executor(), execution::context));
    CHECK_FALSE(system.stopped());
    CHECK(system.get_executor() == rill::system_executor());

    std::atomic<int> ran{0};
    rill::error_code joined;
    rill::post(system, [&] {
        try {
            system.join();
        } catch (const rill::system_error& e) {
            joined = e.code();
        }
        ++ran;
    });
    REQUIRE(soon([&] { return ran == 1; }));
    CHECK(joined == std::make_error_condition(std::errc::resource_deadlock_would_occur));

    system.stop();
    CHECK(system.stopped());
    system.join();
    system.join();
    rill::post(system, [&] { ++ran; });
    CHECK(ran == 1);
}

TEST_CASE("alone the system context is joined with work left", "[.]") {
    end_soon();
    std::atomic<int> ran{0};
    for (int i = 0; i < 1000; ++i)
        rill::post(rill::system_executor(), [&] { ++ran; });
    rill::system_executor().context().join();
    CHECK(ran == 1000);
    CHECK(rill::system_executor().context().stopped());
}

#if TEST_HAS_FORK
#if RILL_ADDRESS_SANITIZER
static bool looks_for_leaks = true;
// Asked before a process looks for leaks. One that was forked may hang in that: the sanitizer's own lock may have been taken.
extern "C" int __lsan_is_turned_off() { return looks_for_leaks ? 0 : 1; }
#endif

TEST_CASE("alone a process exits that was forked after the system context was used", "[.]") {
    end_soon();
    // All of its threads: one that begins may hold locks of the sanitizers' or of the C library's, and they would be held for
    // ever in the new process.
    static const int threads = static_cast<int>(rill::engine::thread::default_count());
    static std::atomic<int> ran{0};
    for (int i = 0; i != threads; ++i)
        rill::post(rill::system_executor(), [] {
            ++ran;
            soon([] { return ran == threads; });
        });
    REQUIRE(soon([] { return ran == threads; }));
    const pid_t id = ::fork();
    if (id == 0) {
#if RILL_ADDRESS_SANITIZER
        looks_for_leaks = false;
#endif
        ::alarm(20);
        std::exit(7);  // not _exit(): objects with static storage duration are destroyed
    }
    CHECK(child_process(id).exit_code() == 7);
}

TEST_CASE("a process that is forked after the system context was used can exit", "[context][system_context]") {
    const ending e = run_alone("alone a process exits that was forked after the system context was used");
    CAPTURE(e.output);
    CHECK(e.exit_code == 0);
}
#endif

TEST_CASE("the system context can be stopped and joined", "[context][system_context]") {
    const ending stopped = run_alone("alone the system context is stopped and joined");
    CAPTURE(stopped.output);
    CHECK(stopped.exit_code == 0);
    const ending joined = run_alone("alone the system context is joined with work left");
    CAPTURE(joined.output);
    CHECK(joined.exit_code == 0);
}
