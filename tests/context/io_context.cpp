// SPDX-License-Identifier: BSL-1.0
#include <rill/context/io_context.hpp>

#include <rill/local/stream_protocol.hpp>

#include <support/backends.hpp>
#include <support/bare_sockets.hpp>
#include <support/catch.hpp>
#include <support/environment.hpp>
#include <support/manual_driver.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using rill::io_context;
namespace execution = rill::execution;
using namespace std::chrono_literals;

namespace {

/// One that waits for something.
auto tracked(io_context& ctx) { return rill::require(ctx.get_executor(), execution::outstanding_work.tracked); }

template <class Function>
void post(io_context& ctx, Function f) {
    rill::require(ctx.get_executor(), execution::blocking.never).execute(std::move(f));
}

struct counts {
    int allocated = 0, freed = 0;
};

template <class T>
struct counting_allocator {
    using value_type = T;
    explicit counting_allocator(counts& c) : counted(&c) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& other) : counted(other.counted) {}
    T* allocate(std::size_t n) {
        ++counted->allocated;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) {
        ++counted->freed;
        std::allocator<T>().deallocate(p, n);
    }
    friend bool operator==(const counting_allocator&, const counting_allocator&) = default;
    counts* counted;
};

int any_hint() { return GENERATE(1, 2); }

}  // namespace

TEST_CASE("a context says which backend it runs", "[context][io_context]") {
    const auto best = backends::best(), other = backends::other();
    CHECK(io_context(best.which).backend_name() == best.name);
    CHECK(io_context(1, other.which).backend_name() == other.name);
    CHECK(io_context(other.which, 4).backend_name() == other.name);
    CHECK(io_context(std::make_unique<manual_driver>()).backend_name() == std::string("manual"));
    const environment_variable variable("RILL_BACKEND", other.name.c_str());
    CHECK(io_context().backend_name() == other.name);
    CHECK(io_context(best.which).backend_name() == best.name);
}

TEST_CASE("a context on an unknown backend is an error that names the known ones", "[context][io_context]") {
    const environment_variable variable("RILL_BACKEND", "io_urgh");
    std::string what;
    try {
        io_context ctx;
    } catch (const rill::system_error& e) {
        what = e.what();
    }
    CHECK(what.find("'io_urgh'") != std::string::npos);
    CHECK(what.find(backends::names()) != std::string::npos);
}

TEST_CASE("run() runs what was posted and then says that it stopped", "[context][io_context]") {
    io_context ctx(any_hint());
    int count = 0;
    post(ctx, [&] { post(ctx, [&] { ++count; }); });
    post(ctx, [&] { ++count; });
    CHECK(ctx.run() == 3);
    CHECK(count == 2);
    CHECK(ctx.stopped());
    post(ctx, [&] { ++count; });
    CHECK(ctx.run() == 0);
    CHECK(ctx.run_one() == 0);
    CHECK(ctx.poll() == 0);
    ctx.restart();
    CHECK_FALSE(ctx.stopped());
    CHECK(ctx.run_one() == 1);
    CHECK(count == 3);
}

TEST_CASE("functions may be move-only", "[context][io_context]") {
    io_context ctx(any_hint());
    int sum = 0;
    post(ctx, [&sum, one = std::make_unique<int>(1)] { sum += *one; });
    ctx.get_executor().execute([&sum, two = std::make_unique<int>(2)]() mutable { sum += *std::move(two); });
    CHECK(ctx.poll_one() == 1);
    CHECK(ctx.poll() == 1);
    CHECK(sum == 3);
}

TEST_CASE("execute() runs the function at once inside run(), unless it must not block", "[context][io_context]") {
    io_context ctx(any_hint());
    std::string order;
    auto ex = ctx.get_executor();
    CHECK_FALSE(ex.running_in_this_thread());
    ex.execute([&] {
        CHECK(ex.running_in_this_thread());
        rill::require(ex, execution::blocking.never).execute([&] { order += 'c'; });
        ex.execute([&] { order += 'a'; });
        order += 'b';
    });
    CHECK(order.empty());
    CHECK(ctx.run() == 2);
    CHECK(order == "abc");
}

TEST_CASE("the timed forms of run wait no longer than they are told", "[context][io_context]") {
    auto* driver = new manual_driver;
    io_context ctx(std::unique_ptr<rill::engine::driver>(driver), any_hint());
    const auto work = tracked(ctx);
    const auto start = driver->now();
    CHECK(ctx.run_for(3ms) == 0);
    CHECK(driver->now() == start + 3ms);
    CHECK(ctx.run_one_for(2ms) == 0);
    CHECK(driver->now() == start + 5ms);
    CHECK(ctx.run_for(-1h) == 0);
    CHECK(ctx.run_for(0s) == 0);
    CHECK(driver->now() == start + 5ms);
    CHECK(ctx.run_for(std::chrono::duration<double>(0.001)) == 0);
    CHECK(driver->now() == start + 6ms);
    CHECK(ctx.run_until(std::chrono::steady_clock::now() - 1s) == 0);
    CHECK(ctx.run_one_until(std::chrono::system_clock::now() - 1s) == 0);
    CHECK(ctx.run_until(std::chrono::system_clock::time_point::min()) == 0);
    CHECK(ctx.run_one_until(std::chrono::steady_clock::time_point::min()) == 0);
    CHECK(driver->now() == start + 6ms);
    CHECK_FALSE(ctx.stopped());
    post(ctx, [] {});
    post(ctx, [] {});
    CHECK(ctx.run_one_for(1s) == 1);
    CHECK(ctx.run_one_until(std::chrono::steady_clock::now() + 1s) == 1);
}

TEST_CASE("durations that are longer than the clock's are for ever", "[context][io_context]") {
    io_context ctx(any_hint());
    post(ctx, [] {});
    CHECK(ctx.run_for(std::chrono::hours::max()) == 1);
    ctx.restart();
    post(ctx, [] {});
    CHECK(ctx.run_for(std::chrono::nanoseconds::max()) == 1);
    ctx.restart();
    post(ctx, [] {});
    CHECK(ctx.run_for(std::chrono::duration<double>(1e300)) == 1);
    ctx.restart();
    post(ctx, [] {});
    CHECK(ctx.run_until(std::chrono::steady_clock::time_point::max()) == 1);
    ctx.restart();
    std::thread stopper;
    post(ctx, [&] { stopper = std::thread([&] { ctx.stop(); }); });
    const auto work = tracked(ctx);
    CHECK(ctx.run_for(std::chrono::hours::max()) == 1);
    stopper.join();
}

TEST_CASE("a second thread in run() of a context with hint 1 gets an exception", "[context][io_context]") {
    io_context ctx(1);
    rill::error_code ec;
    std::string what;
    post(ctx, [&] {
        std::thread([&] {
            try {
                ctx.run();
            } catch (const rill::system_error& e) {
                ec = e.code();
                what = e.what();
            }
        }).join();
    });
    CHECK(ctx.run() == 1);
    CHECK(ec == rill::error::no_permission);
    CHECK(what.find("concurrency hint 1") != std::string::npos);
}

TEST_CASE("any number of threads may run a context without a hint", "[context][io_context]") {
    io_context ctx;
    std::atomic<int> count{0};
    auto work = std::make_unique<decltype(tracked(ctx))>(tracked(ctx));
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] { ctx.run(); });
    for (int i = 0; i < 1000; ++i)
        post(ctx, [&] { ++count; });
    work.reset();
    for (auto& t : threads)
        t.join();
    CHECK(count == 1000);
    CHECK(ctx.stopped());
}

TEST_CASE("an exception of a handler leaves run(), and nothing else is lost", "[context][io_context]") {
    io_context ctx(any_hint());
    int count = 0;
    post(ctx, [] { throw std::runtime_error("handler"); });
    post(ctx, [&] { ++count; });
    CHECK_THROWS_AS(ctx.run(), std::runtime_error);
    CHECK_FALSE(ctx.stopped());
    CHECK(ctx.run() == 1);
    CHECK(count == 1);
}

TEST_CASE("executors are equal if they are for the same context and have the same properties",
          "[context][io_context]") {
    io_context one(1), two(1);
    auto ex = one.get_executor();
    CHECK(ex == one.get_executor());
    CHECK_FALSE(ex == two.get_executor());
    CHECK_FALSE(ex == rill::require(ex, execution::blocking.never));
    CHECK(ex == rill::require(ex, execution::blocking.never, execution::blocking.possibly));
    CHECK_FALSE(ex == rill::require(ex, execution::relationship.continuation));
    CHECK(tracked(one) == tracked(one));
    CHECK(rill::require(tracked(one), execution::outstanding_work.untracked) == ex);
    CHECK(&rill::query(ex, execution::context) == &one);
    CHECK(&rill::query(tracked(one), execution::context) == &one);
    CHECK(rill::query(tracked(one), execution::outstanding_work) ==
          execution::outstanding_work_t(execution::outstanding_work.tracked));
    static_assert(std::is_trivially_destructible_v<io_context::executor_type>);
    static_assert(sizeof(io_context::executor_type) == sizeof(void*));
    static_assert(execution::executor<io_context::executor_type>);
    static_assert(execution::executor<decltype(tracked(one))>);
}

TEST_CASE("a tracked executor keeps run() going, whichever copy is the last", "[context][io_context]") {
    io_context ctx(any_hint());
    auto first = std::make_unique<decltype(tracked(ctx))>(tracked(ctx));
    auto second = std::make_unique<decltype(tracked(ctx))>(*first);
    auto third = std::make_unique<decltype(tracked(ctx))>(std::move(*first));
    first.reset();
    *second = *third;
    third.reset();
    CHECK(ctx.poll() == 0);
    CHECK_FALSE(ctx.stopped());
    std::atomic<bool> released{false};
    std::thread holder([&] {
        post(ctx, [] {});
        released = true;
        second.reset();
    });
    CHECK(ctx.run() == 1);
    CHECK(released);
    holder.join();
    CHECK(ctx.stopped());
}

TEST_CASE("tracked executors outlive their context", "[context][io_context]") {
    std::vector<decltype(tracked(std::declval<io_context&>()))> kept;
    {
        io_context ctx(any_hint());
        kept.push_back(tracked(ctx));
        kept.push_back(kept.back());
        post(ctx, [&] { kept.push_back(tracked(ctx)); });
        CHECK(ctx.poll() == 1);
        post(ctx, [owned = kept.back()] {});
    }
    std::thread([&] { kept.pop_back(); }).join();
    kept.clear();
}

TEST_CASE("an executor uses the allocator that it was given, and has freed it when the function runs",
          "[context][io_context]") {
    io_context ctx(any_hint());
    counts n;
    auto ex = rill::require(ctx.get_executor(), execution::allocator(counting_allocator<int>(n)));
    CHECK(rill::query(ex, execution::allocator).counted == &n);
    int in_use = -1;
    ex.execute([&] { in_use = n.allocated - n.freed; });
    CHECK(n.allocated == 1);
    CHECK(ctx.run() == 1);
    CHECK(in_use == 0);
    CHECK(rill::require(ex, execution::allocator) == ctx.get_executor());
}

TEST_CASE("what is destroyed with the context is not run, whatever it does in the end", "[context][io_context]") {
    int ran = 0;
    const int hint = any_hint();
    {
        io_context ctx(hint);
        const std::shared_ptr<void> at_end(nullptr, [&](void*) {
            ctx.get_executor().execute([&ran] { ++ran; });
            post(ctx, [&ran] { ++ran; });
            ctx.stop();
            CHECK_FALSE(ctx.get_executor().running_in_this_thread());
        });
        post(ctx, [at_end] {});
    }
    CHECK(ran == 0);
}

TEST_CASE("the poster of the last function may still be in execute() when the context dies", "[context][io_context]") {
    const int hint = any_hint();
    for (int i = 0; i < 300; ++i) {
        auto ctx = std::make_unique<io_context>(hint);
        auto work = std::make_unique<decltype(tracked(*ctx))>(tracked(*ctx));
        auto ex = ctx->get_executor();
        std::thread poster([&, ex] { ex.execute([&work] { work.reset(); }); });
        ctx->run();
        ctx.reset();
        poster.join();
    }
    SUCCEED();
}

TEST_CASE("the caller of stop() may still be in it when the context dies", "[context][io_context]") {
    const int hint = any_hint();
    for (int i = 0; i < 300; ++i) {
        auto ctx = std::make_unique<io_context>(hint);
        auto work = std::make_unique<decltype(tracked(*ctx))>(tracked(*ctx));
        std::thread stopper([raw = ctx.get()] { raw->stop(); });
        ctx->run();
        ctx.reset();
        stopper.join();
    }
    SUCCEED();
}

TEST_CASE("an operation that is done at once before run() is delivered by run()", "[context][io_context]") {
    io_context ctx(any_hint());
    bare::handle ends[2];
    REQUIRE(bare::open_pair(ends));
    rill::local::stream_protocol::socket a(ctx, rill::local::stream_protocol(), ends[0]),
        b(ctx, rill::local::stream_protocol(), ends[1]);
    b.send(rill::buffer("x", 1));
    char c = 0;
    bool done = false;
    a.async_read_some(rill::buffer(&c, 1), [&](rill::error_code ec, std::size_t n) { done = !ec && n == 1; });
    CHECK_FALSE(done);
    CHECK(ctx.run() == 1);
    CHECK(done);
    CHECK(c == 'x');
}
