// SPDX-License-Identifier: BSL-1.0

// The program in README.md, word for word: an echo server on port 7000. Run: readme; it serves until it is killed.

#include <rill/rill.hpp>

#include <exception>
#include <iostream>

using rill::ip::tcp;

rill::awaitable<void> echo(tcp::socket socket) {
    char data[4096];
    for (;;) {
        auto [error, n] = co_await socket.async_read_some(rill::buffer(data), rill::as_tuple);
        if (error)
            co_return;  // the peer has gone
        co_await rill::async_write(socket, rill::buffer(data, n));
    }
}

rill::awaitable<void> serve(tcp::acceptor acceptor) {
    for (;;)
        rill::co_spawn(acceptor.get_executor(), echo(co_await acceptor.async_accept()), rill::detached);
}

int main() try {
    rill::io_context context;
    rill::co_spawn(context, serve({context, {tcp::v4(), 7000}}), [](std::exception_ptr e) {
        if (e)
            std::rethrow_exception(e);
    });
    context.run();
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
