// SPDX-License-Identifier: BSL-1.0

// Passes connections on to another server, byte for byte and half by half: the end of one direction does not end the
// other. Run: tcp_proxy [port [target port [target address]]]; it serves until it is killed.

#include "port.hpp"

#include <rill/rill.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <tuple>
#include <utility>

using rill::ip::tcp;

struct connection {
    explicit connection(tcp::socket c) : client(std::move(c)), target(client.get_executor()) {}

    void close() {
        rill::error_code ignored;
        client.close(ignored);
        target.close(ignored);
    }

    tcp::socket client;
    tcp::socket target;
};

/// Passes one direction on; @p owner keeps the sockets until both directions are done.
rill::awaitable<void> pass(std::shared_ptr<connection> owner, tcp::socket& from, tcp::socket& to) {
    char data[16 * 1024];
    for (;;) {
        auto [error, n] = co_await from.async_read_some(rill::buffer(data), rill::as_tuple);
        if (!error)
            std::tie(error, n) = co_await rill::async_write(to, rill::buffer(data, n), rill::as_tuple);
        if (error == rill::error::eof)
            to.shutdown(tcp::socket::shutdown_send, error);  // an error here: there is nobody left to tell
        if (error)
            owner->close();  // ends the other direction, too
        if (error || n == 0)
            co_return;
    }
}

rill::awaitable<void> connect(tcp::socket client, tcp::endpoint server) {
    auto c = std::make_shared<connection>(std::move(client));
    auto [error] = co_await c->target.async_connect(server, rill::as_tuple);
    if (error) {
        std::cerr << "connect to " << server << ": " << error.message() << '\n';
        co_return;
    }
    auto executor = co_await rill::this_coro::executor;
    rill::co_spawn(executor, pass(c, c->client, c->target), rill::detached);
    rill::co_spawn(executor, pass(c, c->target, c->client), rill::detached);
}

rill::awaitable<void> serve(tcp::acceptor acceptor, tcp::endpoint server) {
    rill::steady_timer pause(acceptor.get_executor());
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(rill::as_tuple);
        if (!error) {
            rill::co_spawn(acceptor.get_executor(), connect(std::move(socket), server), rill::detached);
        } else {  // out of descriptors, for example: it would say so again at once
            std::cerr << "accept: " << error.message() << '\n';
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait();
        }
    }
}

int main(int argc, char* argv[]) try {
    rill::io_context context(1);
    tcp::endpoint target(rill::ip::make_address(argc > 3 ? argv[3] : "127.0.0.1"), port_argument(argc, argv, 2, 7000));
    tcp::acceptor acceptor(context, {tcp::v4(), port_argument(argc, argv, 1, 7001)});
    std::cout << acceptor.local_endpoint() << " -> " << target << std::endl;
    rill::co_spawn(context, serve(std::move(acceptor), target), [](std::exception_ptr e) {
        if (e)
            std::rethrow_exception(e);  // comes out of run()
    });
    context.run();
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
