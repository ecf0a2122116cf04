// SPDX-License-Identifier: BSL-1.0

// Clients with futures, each on a thread of its own, and a server of coroutines that two further threads run.

#include "demo.hpp"

#include <exception>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>

namespace {

rill::awaitable<void> echo(tcp::socket socket) {
    char data[16 * 1024];
    for (;;) {
        std::size_t n = co_await socket.async_read_some(rill::buffer(data));  // throws at the end
        co_await rill::async_write(socket, rill::buffer(data, n));
    }
}

rill::awaitable<void> serve(tcp::acceptor acceptor) {
    for (;;)
        rill::co_spawn(acceptor.get_executor(), echo(co_await acceptor.async_accept()), rill::detached);
}

template <class Result>
Result get(std::future<Result> future) {
    if (future.wait_for(patience) != std::future_status::ready)
        throw std::runtime_error("no answer");
    return future.get();
}

void talk(rill::io_context& context, tcp::endpoint server, conversation& about) try {
    tcp::socket socket(context);
    get(socket.async_connect(server, rill::use_future));
    while (!about.done()) {
        auto read = rill::async_read(socket, about.hear(), rill::use_future);
        get(rill::async_write(socket, about.say(), rill::use_future));
        get(std::move(read));
        about.check();
    }
} catch (const std::exception& e) {
    about.fail(e.what());
}

}  // namespace

void use_futures(conversations& all) {
    rill::io_context context;
    tcp::acceptor acceptor(context, {rill::ip::address_v4::loopback(), 0});
    tcp::endpoint server = acceptor.local_endpoint();
    rill::co_spawn(context, serve(std::move(acceptor)), rill::detached);
    std::vector<std::thread> running(2);
    for (auto& thread : running)
        thread = std::thread([&context] { context.run(); });

    std::vector<std::thread> clients;
    for (auto& c : all)
        clients.emplace_back([&context, server, &c] { talk(context, server, *c); });
    for (auto& thread : clients)
        thread.join();
    context.stop();  // the server would go on; its coroutines go with the context
    for (auto& thread : running)
        thread.join();
}
