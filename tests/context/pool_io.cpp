// SPDX-License-Identifier: BSL-1.0
#include <rill/context/thread_pool.hpp>

#include <rill/compose/read.hpp>
#include <rill/compose/write.hpp>
#include <rill/context/system_executor.hpp>
#include <rill/coroutine/awaitable.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/use_future.hpp>

#include <support/catch.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

// Sockets and timers on the contexts that have threads of their own.

using namespace std::chrono_literals;
using rill::ip::tcp;
using rill::local::stream_protocol;

TEST_CASE("timers work on a pool, which waits for them", "[context][thread_pool]") {
    rill::thread_pool pool(2);
    std::atomic<int> fired{0};
    rill::steady_timer soon(pool, 1ms), later(pool, 2ms);
    for (int i = 0; i < 10; ++i) {
        soon.async_wait([&](rill::error_code ec) { fired += !ec; });
        later.async_wait([&](rill::error_code ec) { fired += !ec; });
    }
    pool.join();
    CHECK(fired == 20);
}

TEST_CASE("a pool serves connections", "[context][thread_pool]") {
    constexpr int connections = 10, rounds = 20;
    rill::thread_pool pool(3);
    tcp::acceptor acceptor(pool, tcp::endpoint(rill::ip::address_v4::loopback(), 0));
    const auto endpoint = acceptor.local_endpoint();
    std::atomic<int> good{0};
    const auto echo = [](tcp::socket s) -> rill::awaitable<void> {
        std::array<char, 100> data;
        for (;;) {
            auto [ec, n] = co_await s.async_read_some(rill::buffer(data), rill::as_tuple(rill::use_awaitable));
            if (ec)
                co_return;
            co_await rill::async_write(s, rill::buffer(data, n), rill::use_awaitable);
        }
    };
    const auto serve = [&]() -> rill::awaitable<void> {
        for (int i = 0; i < connections; ++i)
            rill::co_spawn(pool, echo(co_await acceptor.async_accept(rill::use_awaitable)), rill::detached);
    };
    const auto client = [&]() -> rill::awaitable<void> {
        tcp::socket s(pool);
        co_await s.async_connect(endpoint, rill::use_awaitable);
        for (int i = 0; i < rounds; ++i) {
            std::string sent = "round " + std::to_string(i), got(sent.size(), ' ');
            co_await rill::async_write(s, rill::buffer(sent), rill::use_awaitable);
            co_await rill::async_read(s, rill::buffer(got), rill::use_awaitable);
            good += sent == got;
        }
    };
    rill::co_spawn(pool, serve(), rill::detached);
    for (int i = 0; i < connections; ++i)
        rill::co_spawn(pool, client(), rill::detached);
    pool.join();
    CHECK(good == connections * rounds);
}

TEST_CASE("what is pending on a pool that is stopped is destroyed with it", "[context][thread_pool]") {
    auto owned = std::make_shared<int>();
    std::atomic<int> called{0};
    char c = 0;
    std::optional<stream_protocol::socket> outlives;
    {
        rill::thread_pool pool(2);
        outlives.emplace(pool);
        auto socket = std::make_shared<stream_protocol::socket>(pool);
        auto timer = std::make_shared<rill::steady_timer>(pool, 1h);
        rill::local::connect_pair(*socket, *outlives);
        socket->async_read_some(rill::buffer(&c, 1),
                                [&called, socket, owned](rill::error_code, std::size_t) { ++called; });
        timer->async_wait([&called, timer, owned](rill::error_code) { ++called; });
        rill::co_spawn(
            pool,
            [&pool, owned]() -> rill::awaitable<void> {
                rill::steady_timer never(pool, 1h);
                co_await never.async_wait(rill::use_awaitable);
            },
            rill::detached);
    }
    CHECK(called == 0);
    CHECK(owned.use_count() == 1);
}

TEST_CASE("sockets and timers work on the system context", "[context][system_context]") {
    rill::steady_timer timer(rill::system_executor(), 1ms);
    timer.async_wait(rill::use_future).get();
    stream_protocol::socket a{rill::system_executor()}, b{rill::system_executor()};
    rill::local::connect_pair(a, b);
    char c = 0;
    auto read = b.async_read_some(rill::buffer(&c, 1), rill::use_future);
    CHECK(a.async_write_some(rill::buffer("x", 1), rill::use_future).get() == 1);
    CHECK(read.get() == 1);
    CHECK(c == 'x');
}
