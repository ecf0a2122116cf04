// SPDX-License-Identifier: BSL-1.0

// Server and clients with callbacks, on one thread.

#include "demo.hpp"

#include <exception>
#include <utility>

namespace {

class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket s) : socket_(std::move(s)) {}

    void read() {
        socket_.async_read_some(rill::buffer(data_),
                                [self = shared_from_this()](rill::error_code error, std::size_t n) {
                                    if (!error)
                                        self->write(n);  // an error ends the session; the client notices
                                });
    }

private:
    void write(std::size_t size) {
        rill::async_write(socket_, rill::buffer(data_, size),
                          [self = shared_from_this()](rill::error_code error, std::size_t) {
                              if (!error)
                                  self->read();
                          });
    }

    tcp::socket socket_;
    char data_[16 * 1024];
};

void accept(tcp::acceptor& acceptor, std::size_t remaining) {
    if (remaining == 0)
        return;
    acceptor.async_accept([&acceptor, remaining](rill::error_code error, tcp::socket socket) {
        if (error)
            throw rill::system_error(error, "accept");  // comes out of run()
        std::make_shared<session>(std::move(socket))->read();
        accept(acceptor, remaining - 1);
    });
}

class client {
public:
    client(rill::io_context& context, const tcp::endpoint& server, conversation& c) : socket_(context), about_(c) {
        socket_.async_connect(server, [this](rill::error_code error) { next(error); });
    }

private:
    void next(rill::error_code error) {
        if (error)
            return about_.fail(error.message());
        if (about_.done())
            return socket_.close();
        rill::async_write(socket_, about_.say(), [this](rill::error_code failed, std::size_t) {
            if (failed)
                return about_.fail(failed.message());
            rill::async_read(socket_, about_.hear(), [this](rill::error_code e, std::size_t) { heard(e); });
        });
    }

    void heard(rill::error_code error) try {
        if (!error)
            about_.check();
        next(error);
    } catch (const std::exception& e) {
        about_.fail(e.what());
        socket_.close();
    }

    tcp::socket socket_;
    conversation& about_;
};

}  // namespace

void use_callbacks(conversations& all) {
    rill::io_context context(1);
    tcp::acceptor acceptor(context, {rill::ip::address_v4::loopback(), 0});
    accept(acceptor, all.size());
    std::vector<std::unique_ptr<client>> clients;
    for (auto& c : all)
        clients.push_back(std::make_unique<client>(context, acceptor.local_endpoint(), *c));
    context.run_for(patience);
}
