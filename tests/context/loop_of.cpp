// SPDX-License-Identifier: BSL-1.0
#include <rill/context/loop_of.hpp>

#include <rill/context/io_context.hpp>
#include <rill/context/thread_pool.hpp>
#include <rill/coroutine/awaitable.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/operation/delivery.hpp>
#include <rill/token/detached.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

// Executors of users' own around an executor of the library: completions go through them.

using namespace std::chrono_literals;
using rill::io_context;
using rill::local::stream_protocol;
namespace execution = rill::execution;

namespace {

/// Counts what goes through it, and forwards everything.
template <class Inner>
class counting_executor {
public:
    counting_executor(Inner inner, std::atomic<int>& count) noexcept : inner_(std::move(inner)), count_(&count) {}

    template <class Function>
    void execute(Function f) const {
        ++*count_;
        inner_.execute(std::move(f));
    }
    template <class Property>
        requires rill::queryable_for<Inner, Property>
    decltype(auto) query(const Property& p) const { return rill::query(inner_, p); }
    template <class Property>
        requires rill::requirable_for<Inner, Property>
    auto require(const Property& p) const {
        return counting_executor<decltype(rill::require(inner_, p))>(rill::require(inner_, p), *count_);
    }
    friend bool operator==(const counting_executor& a, const counting_executor& b) noexcept {
        return a.inner_ == b.inner_ && a.count_ == b.count_;
    }

private:
    Inner inner_;
    std::atomic<int>* count_;
};

/// The same by inheritance.
class derived_executor : public io_context::executor_type {
public:
    derived_executor(io_context::executor_type inner, std::atomic<int>& count) noexcept
        : io_context::executor_type(inner), count_(&count) {}

    template <class Function>
    void execute(Function&& f) const {
        ++*count_;
        io_context::executor_type::execute(std::forward<Function>(f));
    }
    derived_executor require(execution::blocking_t::possibly_t p) const noexcept {
        return {io_context::executor_type::require(p), *count_};
    }
    derived_executor require(execution::blocking_t::never_t p) const noexcept {
        return {io_context::executor_type::require(p), *count_};
    }
    friend bool operator==(const derived_executor& a, const derived_executor& b) noexcept = default;

private:
    std::atomic<int>* count_;
};

using counting = counting_executor<io_context::executor_type>;

template <class Executor>
using timer_on =
    rill::basic_waitable_timer<std::chrono::steady_clock, rill::wait_traits<std::chrono::steady_clock>, Executor>;

/// A read, a write and a wait, each of which completes once. Whether all did so without error.
template <class Executor>
int three_operations(const Executor& ex) {
    using socket = rill::basic_stream_socket<stream_protocol, Executor>;
    struct objects {
        explicit objects(const Executor& ex) : a(ex), b(ex), timer(ex, 1ms) {}
        socket a, b;
        timer_on<Executor> timer;
        char c;
        std::atomic<int> good{0};
    };
    auto o = std::make_shared<objects>(ex);
    rill::local::connect_pair(o->a, o->b);
    o->a.async_read_some(rill::buffer(&o->c, 1), [o](rill::error_code ec, std::size_t) { o->good += !ec; });
    o->b.async_write_some(rill::buffer("x", 1), [o](rill::error_code ec, std::size_t) { o->good += !ec; });
    o->timer.async_wait([o](rill::error_code ec) { o->good += !ec; });
    static_cast<io_context&>(rill::query(ex, execution::context)).run();
    return o->good;
}

}  // namespace

TEST_CASE("completions go through an executor that wraps a context's", "[context][loop_of]") {
    io_context ctx(GENERATE(1, 2));
    std::atomic<int> count{0};
    SECTION("as itself") { CHECK(three_operations(counting(ctx.get_executor(), count)) == 3); }
    SECTION("in any_io_executor") {
        CHECK(three_operations(rill::any_io_executor(counting(ctx.get_executor(), count))) == 3);
    }
    SECTION("around any_io_executor") {
        using around = counting_executor<rill::any_io_executor>;
        CHECK(three_operations(around(rill::any_io_executor(ctx.get_executor()), count)) == 3);
    }
    SECTION("derived from it") {
        // An io_context's executor does what it does, and no more.
        static_assert(rill::engine::refers_to_loop<io_context::executor_type>);
        static_assert(rill::engine::refers_to_loop<rill::any_io_executor>);
        static_assert(!rill::engine::refers_to_loop<derived_executor>);
        const derived_executor ex(ctx.get_executor(), count);
        CHECK(rill::engine::plain_loop(ctx.get_executor()) == &rill::engine::loop_of(ctx));
        CHECK(rill::engine::plain_loop(rill::any_io_executor(ctx.get_executor())) == &rill::engine::loop_of(ctx));
        CHECK(rill::engine::plain_loop(ex) == nullptr);
        rill::any_io_executor(ex).execute([&] { count += 2; });
        ctx.run();
    }
    CHECK(count == 3);
}

TEST_CASE("coroutines run through an executor that wraps a context's", "[context][loop_of]") {
    io_context ctx(GENERATE(1, 2));
    std::atomic<int> count{0};
    bool ended = false;
    rill::co_spawn(
        counting(ctx.get_executor(), count),
        [&]() -> rill::awaitable<void> {
            rill::steady_timer timer(co_await rill::this_coro::executor);
            const int before = count;
            for (int i = 1; i <= 3; ++i) {
                timer.expires_after(0ms);
                co_await timer.async_wait();
                if (count != before + i)
                    co_return;
            }
            ended = true;
        },
        rill::detached);
    ctx.run();
    CHECK(ended);
}

TEST_CASE("accepted sockets inherit an executor that wraps a context's", "[context][loop_of]") {
    io_context ctx(GENERATE(1, 2));
    std::atomic<int> count{0};
    const rill::any_io_executor ex(counting(ctx.get_executor(), count));
    using rill::ip::tcp;
    tcp::acceptor acceptor(ex, tcp::endpoint(rill::ip::address_v4::loopback(), 0));
    tcp::socket client(ex);
    std::optional<tcp::socket> server;
    acceptor.async_accept([&](rill::error_code ec, tcp::socket s) {
        if (!ec)
            server.emplace(std::move(s));
    });
    client.async_connect(acceptor.local_endpoint(), [](rill::error_code) {});
    ctx.run();
    CHECK(count == 2);
    REQUIRE(server);
    CHECK(server->get_executor() == ex);
}

TEST_CASE("an executor around a pool's works too", "[context][loop_of]") {
    std::atomic<int> count{0}, fired{0};
    rill::thread_pool pool(2);
    using around = counting_executor<rill::thread_pool::executor_type>;
    timer_on<around> timer(around(pool.get_executor(), count), 1ms);
    for (int i = 0; i < 10; ++i)
        timer.async_wait([&](rill::error_code ec) { fired += !ec; });
    pool.join();
    CHECK(fired == 10);
    CHECK(count == 10);
}
