// SPDX-License-Identifier: BSL-1.0

// An echo server with callbacks. Run: echo_server_callbacks [port]; it serves until it is killed.

#include "port.hpp"

#include <rill/rill.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <utility>

using rill::ip::tcp;

/// One connection. Each pending operation's handler owns it, so it goes when there is none.
class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket socket) : socket_(std::move(socket)) {}

    void read() {
        socket_.async_read_some(rill::buffer(data_),
                                [self = shared_from_this()](rill::error_code error, std::size_t n) {
                                    if (!error)
                                        self->write(n);
                                    else if (error != rill::error::eof)
                                        std::cerr << "read: " << error.message() << '\n';
                                });
    }

private:
    void write(std::size_t size) {
        rill::async_write(socket_, rill::buffer(data_, size),
                          [self = shared_from_this()](rill::error_code error, std::size_t) {
                              if (!error)
                                  self->read();
                              else
                                  std::cerr << "write: " << error.message() << '\n';
                          });
    }

    tcp::socket socket_;
    char data_[4096];
};

class server {
public:
    server(rill::io_context& context, std::uint16_t port) : acceptor_(context, {tcp::v4(), port}), pause_(context) {
        std::cout << "listening on " << acceptor_.local_endpoint() << std::endl;
        accept();
    }

private:
    void accept() {
        acceptor_.async_accept([this](rill::error_code error, tcp::socket socket) {
            if (error) {  // out of descriptors, for example: it would say so again at once
                std::cerr << "accept: " << error.message() << '\n';
                pause_.expires_after(std::chrono::milliseconds(100));
                pause_.async_wait([this](rill::error_code) { accept(); });
                return;
            }
            std::make_shared<session>(std::move(socket))->read();
            accept();
        });
    }

    tcp::acceptor acceptor_;
    rill::steady_timer pause_;
};

int main(int argc, char* argv[]) try {
    rill::io_context context(1);
    server echo(context, port_argument(argc, argv, 1, 7000));
    context.run();
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
