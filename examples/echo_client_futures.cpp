// SPDX-License-Identifier: BSL-1.0

// Sends a text to an echo server and prints what comes back, with futures: another thread runs the context.
// Run: echo_client_futures [port] [text]

#include "port.hpp"

#include <rill/rill.hpp>

#include <chrono>
#include <exception>
#include <future>
#include <iostream>
#include <string>
#include <thread>

using rill::ip::tcp;

/// Runs a context on a thread of its own, until it goes.
class background {
public:
    explicit background(rill::io_context& context)
        : work_(rill::make_work_guard(context)), thread_([&context] { context.run(); }) {}
    ~background() {
        work_.reset();
        thread_.join();
    }

private:
    rill::executor_work_guard<rill::io_context::executor_type> work_;
    std::thread thread_;
};

int main(int argc, char* argv[]) try {
    std::string text = argc > 2 ? argv[2] : "hello";
    std::string reply(text.size(), '\0');
    rill::io_context context;
    background run(context);  // after the buffers: when it has gone nothing uses them any more

    tcp::socket socket(context);
    tcp::endpoint server(rill::ip::address_v4::loopback(), port_argument(argc, argv, 1, 7000));
    socket.async_connect(server, rill::use_future).get();

    std::future<std::size_t> read = rill::async_read(socket, rill::buffer(reply), rill::use_future);
    rill::async_write(socket, rill::buffer(text), rill::use_future).get();
    if (read.wait_for(std::chrono::seconds(5)) != std::future_status::ready) {
        rill::post(context, [&socket] { socket.close(); });  // one socket, one thread at a time: not from here
        std::cerr << "no answer in 5 s\n";
    }
    read.get();  // throws what went wrong
    std::cout << reply << '\n';
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
