// SPDX-License-Identifier: BSL-1.0

// Sends a text to an echo server and prints what comes back, with callbacks. Run: echo_client_callbacks [port] [text]

#include "port.hpp"

#include <rill/rill.hpp>

#include <exception>
#include <iostream>
#include <string>
#include <utility>

using rill::ip::tcp;

/// Lives in main() until run() has returned, so that the handlers may use `this`.
class client {
public:
    client(rill::io_context& context, const tcp::endpoint& server, std::string text)
        : socket_(context), text_(std::move(text)), reply_(text_.size(), '\0') {
        socket_.async_connect(server, [this](rill::error_code error) {
            if (!failed("connect", error))
                write();
        });
    }

    int exit_code() const { return exit_code_; }

private:
    void write() {
        rill::async_write(socket_, rill::buffer(text_), [this](rill::error_code error, std::size_t) {
            if (!failed("write", error))
                read();
        });
    }

    void read() {
        rill::async_read(socket_, rill::buffer(reply_), [this](rill::error_code error, std::size_t) {
            if (failed("read", error))
                return;
            std::cout << reply_ << '\n';
            exit_code_ = 0;
        });
    }

    static bool failed(const char* what, const rill::error_code& error) {
        if (error)
            std::cerr << what << ": " << error.message() << '\n';
        return error.failed();
    }

    tcp::socket socket_;
    std::string text_;
    std::string reply_;
    int exit_code_ = 1;
};

int main(int argc, char* argv[]) try {
    rill::io_context context(1);
    tcp::endpoint server(rill::ip::address_v4::loopback(), port_argument(argc, argv, 1, 7000));
    client c(context, server, argc > 2 ? argv[2] : "hello");
    context.run();
    return c.exit_code();
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
