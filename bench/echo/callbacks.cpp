// SPDX-License-Identifier: BSL-1.0

// An echo server of callbacks, for rill and for Asio.

#include "echo/variant.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace {

template <class Variant>
class session {
public:
    explicit session(typename Variant::socket s) : socket_(std::move(s)) {
        if constexpr (Variant::ahead)
            socket_.receive_ahead();
    }

    void read() {
        socket_.async_read_some(lib::buffer(data_), [this](error_code error, std::size_t n) {
            if (error)
                delete this;
            else
                write(n);
        });
    }

private:
    void write(std::size_t n) {
        lib::async_write(socket_, lib::buffer(data_, n), [this](error_code error, std::size_t) {
            if (error)
                delete this;
            else
                read();
        });
    }

    typename Variant::socket socket_;
    std::array<char, Variant::size> data_;
};

template <class Variant>
void accept(typename Variant::acceptor& acceptor) {
    acceptor.async_accept([&acceptor](error_code error, typename Variant::socket socket) {
        if (error) {
            std::fprintf(stderr, "accept: %s\n", error.message().c_str());
            std::exit(1);
        }
        (new session<Variant>(std::move(socket)))->read();
        accept<Variant>(acceptor);
    });
}

}  // namespace

int main(int argc, char** argv) {
    auto serve = []<class Variant>(lib::io_context&, typename Variant::acceptor& acceptor) {
        accept<Variant>(acceptor);
    };
    return variants(argc, argv, serve).run();
}
