// SPDX-License-Identifier: BSL-1.0

// Sends a text to an echo server and prints what comes back, with a coroutine. Run: echo_client_coroutines [port] [text]

#include "port.hpp"

#include <rill/rill.hpp>

#include <exception>
#include <iostream>
#include <string>

using rill::ip::tcp;

rill::awaitable<std::string> ask(tcp::endpoint server, std::string text) {
    tcp::socket socket(co_await rill::this_coro::executor);
    co_await socket.async_connect(server);
    co_await rill::async_write(socket, rill::buffer(text));
    std::string reply(text.size(), '\0');
    co_await rill::async_read(socket, rill::buffer(reply));
    co_return reply;
}

int main(int argc, char* argv[]) try {
    rill::io_context context(1);
    tcp::endpoint server(rill::ip::address_v4::loopback(), port_argument(argc, argv, 1, 7000));
    rill::co_spawn(context, ask(server, argc > 2 ? argv[2] : "hello"), [](std::exception_ptr e, std::string reply) {
        if (e)
            std::rethrow_exception(e);  // comes out of run()
        std::cout << reply << '\n';
    });
    context.run();
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
