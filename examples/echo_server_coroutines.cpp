// SPDX-License-Identifier: BSL-1.0

// An echo server with coroutines. Run: echo_server_coroutines [port]; it serves until it is killed.

#include "port.hpp"

#include <rill/rill.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <utility>

using rill::ip::tcp;

rill::awaitable<void> echo(tcp::socket socket) try {
    char data[4096];
    for (;;) {
        auto [error, n] = co_await socket.async_read_some(rill::buffer(data), rill::as_tuple);
        if (error == rill::error::eof)
            co_return;
        if (error)
            throw rill::system_error(error, "read");
        co_await rill::async_write(socket, rill::buffer(data, n));  // throws what goes wrong
    }
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
}

rill::awaitable<void> serve(tcp::acceptor acceptor) {
    rill::steady_timer pause(acceptor.get_executor());
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(rill::as_tuple);
        if (!error) {
            rill::co_spawn(acceptor.get_executor(), echo(std::move(socket)), rill::detached);
        } else {  // out of descriptors, for example: it would say so again at once
            std::cerr << "accept: " << error.message() << '\n';
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait();
        }
    }
}

int main(int argc, char* argv[]) try {
    rill::io_context context(1);
    tcp::acceptor acceptor(context, {tcp::v4(), port_argument(argc, argv, 1, 7000)});
    std::cout << "listening on " << acceptor.local_endpoint() << std::endl;
    rill::co_spawn(context, serve(std::move(acceptor)), [](std::exception_ptr e) {
        if (e)
            std::rethrow_exception(e);  // comes out of run()
    });
    context.run();
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
