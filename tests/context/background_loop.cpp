// SPDX-License-Identifier: BSL-1.0
#include <rill/context/background_loop.hpp>

#include <rill/compose/read.hpp>
#include <rill/compose/write.hpp>
#include <rill/core/cancellation_signal.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/token/bind_cancellation_slot.hpp>

#include <support/capabilities.hpp>
#include <support/catch.hpp>
#include <support/no_threads.hpp>
#include <support/own_context.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using rill::engine::background_loop;
using rill::local::stream_protocol;
namespace execution = rill::execution;

namespace {

using own_timer = rill::basic_waitable_timer<std::chrono::steady_clock, rill::wait_traits<std::chrono::steady_clock>,
                                             own_context::executor_type>;

/// An executor that can do no more than it must, and runs functions wherever it is called.
struct least_executor {
    own_context* context;
    template <class Function>
    void execute(Function f) const {
        f();
    }
    rill::execution_context& query(execution::context_t) const noexcept { return *context; }
    friend bool operator==(const least_executor&, const least_executor&) noexcept = default;
};

}  // namespace

TEST_CASE("a timer works on a context that is no loop, and its handler runs where that runs",
          "[context][own_context]") {
    own_context ctx;
    std::thread::id there;
    rill::error_code result = rill::error::fault;
    const auto wait = [&](auto& timer) {
        timer.expires_after(1ms);
        timer.async_wait([&](rill::error_code ec) {
            there = std::this_thread::get_id();
            result = ec;
        });
    };
    SECTION("through any_io_executor") {
        rill::steady_timer timer(ctx);
        wait(timer);
        CHECK(ctx.run() == 1);
    }
    SECTION("through its own executor") {
        own_timer timer(ctx);
        wait(timer);
        CHECK(ctx.run() == 1);
    }
    CHECK(there == std::this_thread::get_id());
    CHECK_FALSE(result);
}

TEST_CASE("a context gets one loop in the background, with its first I/O object", "[context][own_context]") {
    own_context ctx;
    CHECK_FALSE(rill::has_service<background_loop>(ctx));
    rill::steady_timer timer(ctx);
    CHECK(rill::has_service<background_loop>(ctx));
    const auto& made = rill::use_service<background_loop>(ctx);
    stream_protocol::socket socket(ctx);
    CHECK(&rill::use_service<background_loop>(ctx) == &made);
}

#if TEST_CAN_REFUSE_THREADS
TEST_CASE("an I/O object throws if there can be no loop in the background, and the next one tries again",
          "[context][own_context]") {
    own_context ctx;
    {
        const no_threads refused;
        CHECK_THROWS_AS(rill::steady_timer(ctx), rill::system_error);
        CHECK_FALSE(rill::has_service<background_loop>(ctx));
    }
    rill::steady_timer timer(ctx, 0ms);
    rill::error_code result = rill::error::fault;
    timer.async_wait([&](rill::error_code ec) { result = ec; });
    CHECK(ctx.run() == 1);
    CHECK_FALSE(result);
}
#endif

TEST_CASE("several threads may make the first I/O object", "[context][own_context]") {
    for (int i = 0; i < 20; ++i) {
        own_context ctx;
        std::atomic<int> ready{0}, fired{0};
        const auto use = [&] {
            ++ready;
            soon([&] { return ready == 2; });
            rill::steady_timer timer(ctx, 0ms);
            timer.async_wait([&fired](rill::error_code) { ++fired; });
            ctx.run();
        };
        std::thread other(use);
        use();
        other.join();
        CHECK(fired == 2);
    }
}

TEST_CASE("sockets work on a context that is no loop", "[context][own_context]") {
    own_context ctx;
    stream_protocol::socket a(ctx), b(ctx);
    rill::local::connect_pair(a, b);
    std::string text(100'000, 'x'), got(text.size(), ' ');
    std::size_t written = 0, read = 0;
    rill::async_write(a, rill::buffer(text), [&](rill::error_code ec, std::size_t n) { written = ec ? 0 : n; });
    rill::async_read(b, rill::buffer(got), [&](rill::error_code ec, std::size_t n) { read = ec ? 0 : n; });
    CHECK(written + read == 0);
    ctx.run();
    CHECK(written == text.size());
    CHECK(read == text.size());
    CHECK(got == text);
}

TEST_CASE("acceptors work on a context that is no loop", "[context][own_context]") {
    own_context ctx;
    using rill::ip::tcp;
    tcp::acceptor acceptor(ctx, tcp::endpoint(rill::ip::address_v4::loopback(), 0));
    tcp::socket client(ctx);
    rill::error_code connected = rill::error::fault;
    std::string got(5, ' ');
    std::optional<tcp::socket> server;
    acceptor.async_accept([&](rill::error_code ec, tcp::socket s) {
        if (ec)
            return;
        server.emplace(std::move(s));
        rill::async_read(*server, rill::buffer(got), [](rill::error_code, std::size_t) {});
    });
    client.async_connect(acceptor.local_endpoint(), [&](rill::error_code ec) {
        connected = ec;
        rill::async_write(client, rill::buffer("hello", 5), [](rill::error_code, std::size_t) {});
    });
    ctx.run();
    CHECK_FALSE(connected);
    CHECK(got == "hello");
    REQUIRE(server);
    CHECK(&server->get_executor().context() == &ctx);
}

TEST_CASE("an operation that is done at once is delivered by the context too, and afterwards",
          "[context][own_context]") {
    own_context ctx;
    stream_protocol::socket a(ctx), b(ctx);
    rill::local::connect_pair(a, b);
    a.send(rill::buffer("x", 1));
    char c = 0;
    bool done = false;
    b.async_read_some(rill::buffer(&c, 1), [&](rill::error_code, std::size_t) { done = true; });
    CHECK_FALSE(done);
    CHECK(ctx.run() == 1);
    CHECK(done);
    CHECK(ctx.submitted() == 1);
}

TEST_CASE("operations on a context that is no loop can be cancelled", "[context][own_context]") {
    own_context ctx;
    rill::cancellation_signal signal;
    std::optional<rill::steady_timer> timer(std::in_place, ctx, 1h);
    std::optional<stream_protocol::socket> socket(std::in_place, ctx);
    stream_protocol::socket peer(ctx);
    rill::local::connect_pair(*socket, peer);
    char c;
    rill::error_code waited, read;
    timer->async_wait(rill::bind_cancellation_slot(signal.slot(), [&](rill::error_code ec) { waited = ec; }));
    socket->async_read_some(rill::buffer(&c, 1), [&](rill::error_code ec, std::size_t) { read = ec; });
    SECTION("by the object") {
        CHECK(timer->cancel() == 1);
        socket->cancel();
    }
    SECTION("by the signal, and close()") {
        signal.emit(rill::cancellation_type::total);
        socket->close();
    }
    SECTION("by destruction") {
        timer.reset();
        socket.reset();
    }
    CHECK(ctx.run() == 2);
    CHECK(waited == rill::error::operation_aborted);
    CHECK(read == rill::error::operation_aborted);
}

TEST_CASE("a context that is no loop destroys the handlers of what is pending, and does not call them",
          "[context][own_context]") {
    auto owned = std::make_shared<int>();
    int called = 0;
    char c = 0;  // outlives the context, whose loop receives in its own thread
    std::optional<stream_protocol::socket> outlives;
    std::optional<rill::steady_timer> timer_outlives;
    {
        own_context ctx;
        auto a = std::make_shared<stream_protocol::socket>(ctx);
        auto timer = std::make_shared<rill::steady_timer>(ctx, 1h);
        outlives.emplace(ctx);
        timer_outlives.emplace(ctx, 1h);
        rill::local::connect_pair(*a, *outlives);
        a->async_read_some(rill::buffer(&c, 1), [a, owned, &called](rill::error_code, std::size_t) { ++called; });
        timer->async_wait([timer, owned, &called](rill::error_code) { ++called; });
        timer_outlives->async_wait([owned, &called](rill::error_code) { ++called; });
        // This one is done, and waits in the context's own queue.
        outlives->async_write_some(rill::buffer("x", 1), [owned, &called](rill::error_code, std::size_t) { ++called; });
        CHECK(owned.use_count() == 5);
    }
    CHECK(owned.use_count() == 1);
    CHECK(called == 0);
    CHECK(outlives->is_open());
    outlives->close();
}

TEST_CASE("an I/O object cannot be made on a context that is being destroyed", "[context][own_context]") {
    struct maker final : rill::execution_context::service {
        explicit maker(rill::execution_context& c) : service(c) {}
        void shutdown() override {
            try {
                rill::steady_timer timer(static_cast<own_context&>(context()));
            } catch (const rill::system_error& e) {
                *result = e.code();
            }
        }
        rill::error_code* result = nullptr;
    };
    rill::error_code result;
    {
        own_context ctx;
        rill::use_service<maker>(ctx).result = &result;
        rill::steady_timer timer(ctx);  // the loop is the younger of the two, and goes first
    }
    CHECK(result == rill::error::operation_aborted);
}

TEST_CASE("an executor that has nothing but its context will do", "[context][own_context]") {
    own_context ctx;
    rill::basic_waitable_timer<std::chrono::steady_clock, rill::wait_traits<std::chrono::steady_clock>, least_executor>
        timer(least_executor{&ctx}, 0ms);
    CHECK(timer.get_executor() == least_executor{&ctx});
    std::atomic<bool> fired{false};
    timer.async_wait([&](rill::error_code) { fired = true; });
    CHECK(soon([&] { return fired.load(); }));
}

#if TEST_HAS_SIGNALS
TEST_CASE("the user's signals are not handled on the thread in the background", "[context][own_context]") {
    own_context ctx;
    ::sigset_t here;
    rill::basic_waitable_timer<std::chrono::steady_clock, rill::wait_traits<std::chrono::steady_clock>, least_executor>
        timer(least_executor{&ctx}, 0ms);
    ::pthread_sigmask(SIG_SETMASK, nullptr, &here);
    CHECK(sigismember(&here, SIGUSR1) == 0);
    std::atomic<int> blocked{-1};
    timer.async_wait([&](rill::error_code) {
        ::sigset_t there;
        ::pthread_sigmask(SIG_SETMASK, nullptr, &there);
        blocked = sigismember(&there, SIGUSR1);
    });
    CHECK(soon([&] { return blocked != -1; }));
    CHECK(blocked == 1);
}
#endif
