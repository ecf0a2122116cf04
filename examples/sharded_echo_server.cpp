// SPDX-License-Identifier: BSL-1.0

// An echo server on all processors: a loop, a thread and an accept loop for each, and no locks between them.
// Run: sharded_echo_server [port]; it serves until it is killed.

#include "port.hpp"

#include <rill/rill.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <utility>

using rill::ip::tcp;
using listener = rill::sharded_listener<tcp>;

rill::awaitable<void> echo(tcp::socket socket) {
    char data[4096];
    for (;;) {
        auto [error, n] = co_await socket.async_read_some(rill::buffer(data), rill::as_tuple);
        if (error)
            co_return;  // the peer has gone
        auto [write_error, written] = co_await rill::async_write(socket, rill::buffer(data, n), rill::as_tuple);
        if (write_error)
            co_return;
    }
}

// Runs on one shard, and so does each connection that it accepts.
rill::awaitable<void> serve(listener& connections, std::size_t shard) {
    rill::steady_timer pause(co_await rill::this_coro::executor);
    for (;;) {
        auto [error, socket] = co_await connections.async_accept(shard, rill::as_tuple);
        if (!error) {
            rill::co_spawn(socket.get_executor(), echo(std::move(socket)), rill::detached);
        } else if (error == rill::error::operation_aborted) {
            co_return;  // closed
        } else {        // out of descriptors, for example: it would say so again at once
            std::cerr << "accept: " << error.message() << '\n';
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait();
        }
    }
}

int main(int argc, char* argv[]) try {
    rill::sharded_options options;
    options.processors = rill::allowed_processors();  // each thread stays on a processor of its own
    rill::sharded_context context(options.processors.size(), options);
    listener connections(context, {tcp::v4(), port_argument(argc, argv, 1, 7000)});
    std::cout << "listening on " << connections.local_endpoint() << ", " << context.size() << " shards" << std::endl;
    for (std::size_t i = 0; i < context.size(); ++i)
        rill::co_spawn(context.shard(i), serve(connections, i), rill::detached);
    context.join();
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
