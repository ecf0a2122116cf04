// SPDX-License-Identifier: BSL-1.0

// An echo server with stackful coroutines, which need Boost.Context. Run: echo_server_spawn [port]; it serves until it is
// killed.

#include "port.hpp"

#include <rill/rill.hpp>

#include <rill/coroutine/spawn.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <utility>

using rill::ip::tcp;

void echo(tcp::socket& socket, rill::yield_context yield) try {
    char data[4096];
    for (;;) {
        rill::error_code error;
        const std::size_t n = socket.async_read_some(rill::buffer(data), yield[error]);
        if (error == rill::error::eof)
            return;
        if (error)
            throw rill::system_error(error, "read");
        rill::async_write(socket, rill::buffer(data, n), yield);  // throws what goes wrong
    }
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
}

void serve(tcp::acceptor& acceptor, rill::yield_context yield) {
    rill::steady_timer pause(acceptor.get_executor());
    for (;;) {
        rill::error_code error;
        tcp::socket socket = acceptor.async_accept(yield[error]);
        if (!error) {
            rill::spawn(
                yield, [s = std::move(socket)](rill::yield_context yield_of_echo) mutable { echo(s, yield_of_echo); },
                rill::detached);
        } else {  // out of descriptors, for example: it would say so again at once
            std::cerr << "accept: " << error.message() << '\n';
            pause.expires_after(std::chrono::milliseconds(100));
            pause.async_wait(yield);
        }
    }
}

int main(int argc, char* argv[]) try {
    rill::io_context context(1);
    tcp::acceptor acceptor(context, {tcp::v4(), port_argument(argc, argv, 1, 7000)});
    std::cout << "listening on " << acceptor.local_endpoint() << std::endl;
    rill::spawn(
        context, [&](rill::yield_context yield) { serve(acceptor, yield); },
        [](std::exception_ptr e) {
            if (e)
                std::rethrow_exception(e);  // comes out of run()
        });
    context.run();
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
