// SPDX-License-Identifier: BSL-1.0

// A minimal echo server of coroutines: with rill or with Asio (BENCH_ASIO), with the headers that it uses (_PARTS) or all.

#if defined(BENCH_ASIO_PARTS)
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#elif defined(BENCH_ASIO)
#include <boost/asio.hpp>
#elif defined(BENCH_RILL_PARTS)
#include <rill/compose/write.hpp>
#include <rill/context/io_context.hpp>
#include <rill/coroutine/awaitable.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/token/detached.hpp>
#else
#include <rill/rill.hpp>
#endif

#include <cstddef>
#include <utility>

#if defined(BENCH_ASIO)
namespace lib = boost::asio;
#else
namespace lib = rill;
#endif

using lib::ip::tcp;

lib::awaitable<void> echo(tcp::socket socket) {
    char data[1024];
    for (;;) {
        std::size_t n = co_await socket.async_read_some(lib::buffer(data), lib::use_awaitable);
        co_await lib::async_write(socket, lib::buffer(data, n), lib::use_awaitable);
    }
}

lib::awaitable<void> serve(tcp::acceptor acceptor) {
    for (;;)
        lib::co_spawn(acceptor.get_executor(), echo(co_await acceptor.async_accept(lib::use_awaitable)), lib::detached);
}

int main() {
    lib::io_context context;
    lib::co_spawn(context, serve(tcp::acceptor(context, {tcp::v4(), 7000})), lib::detached);
    context.run();
}
