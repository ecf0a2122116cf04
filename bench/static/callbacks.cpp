// SPDX-License-Identifier: BSL-1.0

// A minimal echo server of callbacks: with rill or with Asio (BENCH_ASIO), with the headers that it uses (_PARTS) or all.

#if defined(BENCH_ASIO_PARTS)
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#elif defined(BENCH_ASIO)
#include <boost/asio.hpp>
#elif defined(BENCH_RILL_PARTS)
#include <rill/compose/write.hpp>
#include <rill/context/io_context.hpp>
#include <rill/ip/tcp.hpp>
#else
#include <rill/rill.hpp>
#endif

#include <cstddef>
#include <memory>
#include <utility>

#if defined(BENCH_ASIO)
namespace lib = boost::asio;
#else
namespace lib = rill;
#endif

using boost::system::error_code;
using lib::ip::tcp;

class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket s) : socket_(std::move(s)) {}

    void read() {
        socket_.async_read_some(lib::buffer(data_), [self = shared_from_this()](error_code error, std::size_t n) {
            if (!error)
                self->write(n);
        });
    }

private:
    void write(std::size_t n) {
        lib::async_write(socket_, lib::buffer(data_, n), [self = shared_from_this()](error_code error, std::size_t) {
            if (!error)
                self->read();
        });
    }

    tcp::socket socket_;
    char data_[1024];
};

void accept(tcp::acceptor& acceptor) {
    acceptor.async_accept([&acceptor](error_code error, tcp::socket socket) {
        if (!error)
            std::make_shared<session>(std::move(socket))->read();
        accept(acceptor);
    });
}

int main() {
    lib::io_context context;
    tcp::acceptor acceptor(context, {tcp::v4(), 7000});
    accept(acceptor);
    context.run();
}
