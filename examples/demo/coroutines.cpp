// SPDX-License-Identifier: BSL-1.0

// Server and clients with coroutines, on one thread.

#include "demo.hpp"

#include <exception>
#include <utility>

namespace {

rill::awaitable<void> echo(tcp::socket socket) {
    char data[16 * 1024];
    for (;;) {
        std::size_t n = co_await socket.async_read_some(rill::buffer(data));  // throws at the end
        co_await rill::async_write(socket, rill::buffer(data, n));
    }
}

rill::awaitable<void> serve(tcp::acceptor acceptor, std::size_t connections) {
    for (; connections > 0; --connections)
        rill::co_spawn(acceptor.get_executor(), echo(co_await acceptor.async_accept()), rill::detached);
}

rill::awaitable<void> talk(tcp::endpoint server, conversation& about) try {
    tcp::socket socket(co_await rill::this_coro::executor);
    co_await socket.async_connect(server);
    while (!about.done()) {
        co_await rill::async_write(socket, about.say());
        co_await rill::async_read(socket, about.hear());
        about.check();
    }
} catch (const std::exception& e) {
    about.fail(e.what());
}

}  // namespace

void use_coroutines(conversations& all) {
    rill::io_context context(1);
    tcp::acceptor acceptor(context, {rill::ip::address_v4::loopback(), 0});
    tcp::endpoint server = acceptor.local_endpoint();
    rill::co_spawn(context, serve(std::move(acceptor), all.size()), rill::detached);
    for (auto& c : all)
        rill::co_spawn(context, talk(server, *c), rill::detached);
    context.run_for(patience);
}
