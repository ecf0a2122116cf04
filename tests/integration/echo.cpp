// SPDX-License-Identifier: BSL-1.0
#include <rill/coroutine/co_spawn.hpp>

#include <rill/compose/read.hpp>
#include <rill/compose/write.hpp>
#include <rill/context/io_context.hpp>
#include <rill/coroutine/awaitable.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/token/detached.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <string>
#include <thread>

using rill::awaitable;
using rill::buffer;
using rill::use_awaitable;
using rill::ip::tcp;

namespace {

constexpr int connections = 200;
constexpr int messages = 10;

struct counts {
    std::atomic<int> right{0};
    std::atomic<int> ended{0};
};

awaitable<void> echo(tcp::socket socket, counts& c) {
    char data[64];
    try {
        for (;;) {
            const std::size_t n = co_await socket.async_read_some(buffer(data), use_awaitable);
            co_await rill::async_write(socket, buffer(data, n), use_awaitable);
        }
    } catch (const rill::system_error& e) {
        c.ended += e.code() == rill::error::eof;
    }
}

awaitable<void> serve(tcp::acceptor& acceptor, counts& c) {
    for (int i = 0; i < connections; ++i)
        rill::co_spawn(acceptor.get_executor(), echo(co_await acceptor.async_accept(use_awaitable), c), rill::detached);
}

awaitable<void> talk(rill::io_context& io, tcp::endpoint to, int number, counts& c) {
    tcp::socket socket(io);
    co_await socket.async_connect(to, use_awaitable);
    for (int i = 0; i < messages; ++i) {
        const std::string sent = std::to_string(number) + " says " + std::to_string(i);
        std::string got(sent.size(), 0);
        co_await rill::async_write(socket, buffer(sent), use_awaitable);
        co_await rill::async_read(socket, buffer(got), use_awaitable);
        c.right += got == sent;
    }
}

}  // namespace

TEST_CASE("200 connections are echoed by coroutines on two threads", "[integration][echo]") {
    rill::io_context io;
    tcp::acceptor acceptor(io, {rill::ip::address_v4::loopback(), 0});
    counts c;
    rill::co_spawn(io, serve(acceptor, c), rill::detached);
    for (int i = 0; i < connections; ++i)
        rill::co_spawn(io, talk(io, acceptor.local_endpoint(), i, c), rill::detached);
    std::thread second([&] { io.run(); });
    io.run();
    second.join();
    CHECK(c.right == connections * messages);
    CHECK(c.ended == connections);
}
