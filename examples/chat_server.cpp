// SPDX-License-Identifier: BSL-1.0

// A chat server: each line that a participant sends goes to all the others. One thread, so nothing is locked.
// Run: chat_server [port], then a few times: nc 127.0.0.1 7000

#include "port.hpp"

#include <rill/rill.hpp>

#include <chrono>
#include <deque>
#include <exception>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <utility>

using rill::ip::tcp;

struct participant {
    explicit participant(tcp::socket s)
        : socket(std::move(s)), news(socket.get_executor(), rill::steady_timer::time_point::max()) {}

    void say(const std::string& line) {
        if (lines.size() < 1000)  // who does not read misses something, and costs no memory without end
            lines.push_back(line);
        news.cancel();
    }

    tcp::socket socket;
    rill::steady_timer news;  // never expires: cancelled when there is something to write
    std::deque<std::string> lines;
};

rill::awaitable<void> write(std::shared_ptr<participant> self) {
    while (self->socket.is_open()) {
        if (self->lines.empty()) {
            co_await self->news.async_wait(rill::as_tuple);
            continue;
        }
        std::string line = std::move(self->lines.front());
        self->lines.pop_front();
        auto [error, n] = co_await rill::async_write(self->socket, rill::buffer(line), rill::as_tuple);
        if (error)
            self->socket.close();  // ends read(), too
    }
}

rill::awaitable<void> read(std::shared_ptr<participant> self, std::set<std::shared_ptr<participant>>& all) {
    all.insert(self);
    std::string line;
    char data[1024];
    for (;;) {
        auto [error, n] = co_await self->socket.async_read_some(rill::buffer(data), rill::as_tuple);
        if (error || line.size() > 10'000)
            break;
        line.append(data, n);
        for (std::size_t end; (end = line.find('\n')) != line.npos; line.erase(0, end + 1))
            for (auto& other : all)
                if (other != self)
                    other->say(line.substr(0, end + 1));
    }
    all.erase(self);
    self->socket.close();
    self->news.cancel();  // ends write()
}

rill::awaitable<void> serve(tcp::acceptor acceptor) {
    std::set<std::shared_ptr<participant>> all;
    rill::steady_timer pause(acceptor.get_executor());
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(rill::as_tuple);
        if (error) {  // out of descriptors, for example: it would say so again at once
            std::cerr << "accept: " << error.message() << '\n';
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait();
            continue;
        }
        auto self = std::make_shared<participant>(std::move(socket));
        rill::co_spawn(acceptor.get_executor(), write(self), rill::detached);
        rill::co_spawn(acceptor.get_executor(), read(self, all), rill::detached);
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
