// SPDX-License-Identifier: BSL-1.0

// An echo server with futures: a thread for each connection waits for operations that the context runs on a thread of
// its own. That suits tools and tests; thousands of connections want callbacks or coroutines.
// Run: echo_server_futures [port]; it serves until it is killed.

#include "port.hpp"

#include <rill/rill.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <thread>
#include <utility>

using rill::ip::tcp;

void echo(tcp::socket socket) try {
    char data[4096];
    for (;;) {
        std::size_t n = socket.async_read_some(rill::buffer(data), rill::use_future).get();
        rill::async_write(socket, rill::buffer(data, n), rill::use_future).get();
    }
} catch (const rill::system_error& e) {
    if (e.code() != rill::error::eof)
        std::cerr << e.what() << '\n';
}

[[noreturn]] void serve(tcp::acceptor acceptor) {
    for (;;) {
        try {
            std::thread(echo, acceptor.async_accept(rill::use_future).get()).detach();
        } catch (const std::exception& e) {  // out of descriptors, or of threads
            std::cerr << e.what() << '\n';
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
    }
}

int main(int argc, char* argv[]) try {
    rill::io_context context;
    tcp::acceptor acceptor(context, {tcp::v4(), port_argument(argc, argv, 1, 7000)});
    std::cout << "listening on " << acceptor.local_endpoint() << std::endl;

    std::thread([&context] {
        auto work = rill::make_work_guard(context);  // without it run() returns when nothing is pending
        context.run();
    }).detach();
    serve(std::move(acceptor));
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
