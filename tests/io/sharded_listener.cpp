// SPDX-License-Identifier: BSL-1.0
#include <rill/io/sharded_listener.hpp>

#include <rill/context/inline_executor.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/bind_immediate_executor.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/post.hpp>
#include <rill/token/use_future.hpp>

#include <support/bare_sockets.hpp>
#include <support/capabilities.hpp>
#include <support/catch.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <cstdio>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

using rill::listener_sharing;
using rill::sharded_context;
using rill::ip::tcp;
using listener_type = rill::sharded_listener<tcp>;
using namespace std::chrono_literals;

namespace {

tcp::endpoint any_port() { return {rill::ip::address_v4::loopback(), 0}; }

listener_sharing either_way() {
    return GENERATE(TEST_HAS_REUSE_PORT ? listener_sharing::reuse_port : listener_sharing::deal_out,
                    listener_sharing::deal_out);
}

template <class T>
bool is_ready(std::future<T>& f) {
    return f.wait_for(10s) == std::future_status::ready;
}

/// Answers each connection with the number of the shard that its handler runs on, and that of the shard that it belongs
/// to, until the listener closes.
template <class Protocol>
rill::awaitable<void> tell_shard(rill::sharded_listener<Protocol>& listener, std::size_t shard) {
    for (;;) {
        auto [ec, socket] = co_await listener.async_accept(shard, rill::as_tuple);
        if (ec)
            co_return;
        auto& context = listener.context();
        const bool belongs = socket.get_executor() == rill::any_io_executor(context.get_executor(shard));
        const char answer[] = {static_cast<char>(context.this_shard()), static_cast<char>(belongs ? shard : 99)};
        socket.write_some(rill::buffer(answer));
    }
}

template <class Protocol>
void serve_all(rill::sharded_listener<Protocol>& listener) {
    for (std::size_t i = 0; i < listener.context().size(); ++i)
        rill::co_spawn(listener.context().shard(i), tell_shard(listener, i), rill::detached);
}

/// Connects once. Returns the shard that has answered; -1 if it was the wrong one, or none.
template <class Protocol>
int ask_shard(const rill::sharded_listener<Protocol>& listener) {
    rill::io_context io(1);
    typename Protocol::socket client(io);
    client.connect(listener.local_endpoint());
    char answer[2] = {};
    std::size_t n = 0;
    while (n < sizeof(answer))
        n += client.read_some(rill::buffer(answer + n, sizeof(answer) - n));
    return answer[0] == answer[1] ? answer[0] : -1;
}

}  // namespace

TEST_CASE("connections are spread over the shards and served on their threads", "[io][sharded_listener]") {
    sharded_context context(3);
    listener_type listener(context, any_port(), either_way());
    CHECK(listener.local_endpoint().port() != 0);
    CHECK(&listener.context() == &context);
    serve_all(listener);
    // By the hash a shard gets none of 200 connections once in 10^35 runs.
    std::set<int> shards;
    for (int i = 0; i < 200; ++i)
        shards.insert(ask_shard(listener));
    CHECK(shards == std::set<int>{0, 1, 2});
    listener.close();
    context.join();
}

TEST_CASE("a dealing listener gives each waiting shard one connection in turn", "[io][sharded_listener]") {
    constexpr std::size_t n = 3;
    sharded_context context(n);
    listener_type listener(context, any_port(), listener_sharing::deal_out);
    CHECK(listener.sharing() == listener_sharing::deal_out);
    rill::io_context io(1);
    std::vector<tcp::socket> clients;
    const std::size_t order[] = {2, 0, 1, 1, 0, 2};
    std::vector<std::future<tcp::socket>> accepted;
    std::vector<tcp::endpoint> peers(std::size(order));
    for (std::size_t i = 0; i < std::size(order); ++i)
        accepted.push_back(listener.async_accept(order[i], peers[i], rill::use_future));
    for (std::size_t i = 0; i < std::size(order); ++i) {
        clients.emplace_back(io).connect(listener.local_endpoint());
        REQUIRE(is_ready(accepted[i]));
        tcp::socket socket = accepted[i].get();
        CHECK(socket.get_executor() == rill::any_io_executor(context.get_executor(order[i])));
        CHECK(socket.remote_endpoint() == clients.back().local_endpoint());
        CHECK(peers[i] == clients.back().local_endpoint());
    }
}

TEST_CASE("a listener on one shard listens", "[io][sharded_listener]") {
    sharded_context context(1);
    listener_type listener(context, any_port(), either_way());
    serve_all(listener);
    CHECK(ask_shard(listener) == 0);
    listener.close();
    context.join();
}

#if TEST_HAS_REUSE_PORT
TEST_CASE("a listener shares its port if the system lets it", "[io][sharded_listener]") {
    sharded_context context(2);
    listener_type listener(context, any_port());
    CHECK(listener.sharing() == listener_sharing::reuse_port);
}

TEST_CASE("a listener of a protocol without shared endpoints deals out", "[io][sharded_listener]") {
    using rill::local::stream_protocol;
    const std::string path = "/tmp/rill-sharded-listener-" + std::to_string(::getpid());
    std::remove(path.c_str());
    {
        sharded_context context(2);
        rill::sharded_listener<stream_protocol> listener(context, stream_protocol::endpoint(path));
        CHECK(listener.sharing() == listener_sharing::deal_out);
        serve_all(listener);
        std::set<int> shards;
        for (int i = 0; i < 50; ++i)
            shards.insert(ask_shard(listener));
        shards.erase(0);
        shards.erase(1);
        CHECK(shards.empty());
        listener.close();
        context.join();
    }
    std::remove(path.c_str());
    {
        sharded_context context(2);
        CHECK_THROWS_AS(rill::sharded_listener<stream_protocol>(context, stream_protocol::endpoint(path),
                                                                listener_sharing::reuse_port),
                        rill::system_error);
    }
    std::remove(path.c_str());
}
#endif

TEST_CASE("an endpoint that is in use is an error, and the port of a closed listener is free",
          "[io][sharded_listener]") {
    sharded_context context(2);
    rill::io_context io(1);
    const auto sharing = either_way();
    tcp::acceptor other(io, any_port());
    rill::error_code ec;
    try {
        listener_type listener(context, other.local_endpoint(), sharing);
    } catch (const rill::system_error& e) {
        ec = e.code();
    }
    CHECK(ec == rill::error::address_in_use);

    listener_type listener(context, any_port(), sharing);
    std::vector<std::future<tcp::socket>> pending;
    for (std::size_t i = 0; i < 2; ++i)
        pending.push_back(listener.async_accept(i, rill::use_future));
    listener.close();
    const tcp::acceptor next(io, listener.local_endpoint(), false);  // at once, though accepts may not be done yet
    for (auto& p : pending) {
        REQUIRE(is_ready(p));
        CHECK_THROWS_AS(p.get(), rill::system_error);
    }
}

TEST_CASE("closing or destroying a listener ends its accepts, cancel those that there are", "[io][sharded_listener]") {
    sharded_context context(2);
    const auto sharing = either_way();
    std::atomic<int> aborted = 0, on_shard = 0;
    auto accept = [&](listener_type& listener, std::size_t i) {
        listener.async_accept(i, [&, i](rill::error_code ec, tcp::socket socket) {
            on_shard += context.this_shard() == i;
            aborted += ec == rill::error::operation_aborted && !socket.is_open();
        });
    };
    {
        listener_type listener(context, any_port(), sharing);
        for (std::size_t i : {0u, 1u, 1u})
            accept(listener, i);
        listener.cancel();
        CHECK(soon([&] { return aborted == 3; }));
        rill::post(context.shard(1), [&] {  // from a shard: its own, and another one's
            accept(listener, 0);
            accept(listener, 1);
            listener.close();
            accept(listener, 0);  // closed already
            accept(listener, 1);
        });
        CHECK(soon([&] { return aborted == 7; }));
        listener.close();
    }
    {
        listener_type listener(context, any_port(), sharing);
        accept(listener, 0);
        accept(listener, 1);
    }
    context.join();
    CHECK(aborted == 9);
    CHECK(on_shard == 9);
}

TEST_CASE("an accept of a sharded listener is cancelled by its slot, from any thread", "[io][sharded_listener]") {
    sharded_context context(2);
    listener_type listener(context, any_port(), either_way());
    for (int round = 0; round < 100; ++round) {
        const auto shard = static_cast<std::size_t>(round % 2);
        rill::cancellation_signal cancelled;
        std::atomic<int> calls = 0, aborted = 0;
        listener.async_accept(shard,
                              rill::bind_cancellation_slot(cancelled.slot(), [&](rill::error_code ec, tcp::socket) {
                                  aborted += ec == rill::error::operation_aborted;
                                  ++calls;
                              }));
        cancelled.emit(rill::cancellation_type::total);
        REQUIRE(soon([&] { return calls == 1; }));
        REQUIRE(aborted == 1);
    }
    // The others are left alone.
    serve_all(listener);
    CHECK(ask_shard(listener) >= 0);
    listener.close();
    context.join();
}

TEST_CASE("an accept that is answered at once is posted, whatever its immediate executor", "[io][sharded_listener]") {
    sharded_context context(1);
    listener_type listener(context, any_port(), either_way());
    rill::io_context io(1);
    tcp::socket first(io), second(io);
    first.connect(listener.local_endpoint());
    second.connect(listener.local_endpoint());
    std::promise<bool> done;
    std::atomic<bool> inside = false;
    rill::post(context.shard(0), [&] {
        inside = true;
        listener.async_accept(
            0, rill::bind_immediate_executor(rill::inline_executor(), [&](rill::error_code, tcp::socket) {
                const bool was_inside = inside;
                listener.async_accept(0, [&, was_inside](rill::error_code, tcp::socket) {
                    done.set_value(was_inside);
                    listener.close();
                });
            }));
        inside = false;
    });
    auto result = done.get_future();
    REQUIRE(is_ready(result));
    CHECK(!result.get());
    context.join();
}

TEST_CASE("a listener that outlives its context, or is stopped with it, leaves nothing behind",
          "[io][sharded_listener]") {
    const auto sharing = either_way();
    auto context = std::make_unique<sharded_context>(2);
    listener_type listener(*context, any_port(), sharing);
    serve_all(listener);
    CHECK(ask_shard(listener) >= 0);
    auto owned = std::make_shared<int>();
    listener.async_accept(1, [owned](rill::error_code, tcp::socket) {});
    context->stop();
    context.reset();
    CHECK(owned.use_count() == 1);
}

TEST_CASE("accepts, cancels and the close of a listener race", "[io][sharded_listener]") {
    const auto sharing = either_way();
    for (int round = 0; round < 30; ++round) {
        sharded_context context(2);
        listener_type listener(context, any_port(), sharing);
        std::atomic<int> started = 0, ended = 0, accepted = 0;
        std::atomic<bool> closed = false;
        auto accept_all = [&](std::size_t first) {
            for (int i = 0; i < 50; ++i) {
                ++started;
                listener.async_accept((first + static_cast<std::size_t>(i)) % 2, [&](rill::error_code ec, tcp::socket) {
                    accepted += !ec;
                    ++ended;
                });
            }
        };
        std::thread outside([&] { accept_all(0); });
        rill::post(context.shard(0), [&] { accept_all(1); });
        std::thread client([&] {
            rill::io_context io(1);
            rill::error_code ec;
            for (int i = 0; i < 10 && !closed; ++i) {
                tcp::socket socket(io);
                socket.connect(listener.local_endpoint(), ec);
            }
        });
        listener.cancel();
        if (round % 2 == 0)
            outside.join();
        listener.close();
        closed = true;
        if (outside.joinable())
            outside.join();
        client.join();
        context.join();
        REQUIRE(started == 100);
        REQUIRE(ended == 100);
        REQUIRE(accepted <= 10);
    }
}
