// SPDX-License-Identifier: BSL-1.0

// An echo server of coroutines, for rill and for Asio. Both could spare themselves the exception at the end of a
// connection, by asking for the error as a value; it is not part of what is measured, except by the group "accept".

#include "echo/variant.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

namespace {

template <class Socket>
using awaitable = lib::awaitable<void, typename Socket::executor_type>;

template <class Socket>
constexpr lib::use_awaitable_t<typename Socket::executor_type> awaited{};

template <class Variant, class Socket = typename Variant::socket>
awaitable<Socket> echo(typename Variant::socket socket) {
    std::array<char, Variant::size> data;
    for (;;) {
        auto [error, n] = co_await socket.async_read_some(lib::buffer(data), lib::as_tuple(awaited<Socket>));
        if (error)
            co_return;
        co_await lib::async_write(socket, lib::buffer(data, n), awaited<Socket>);
    }
}

template <class Variant, class Socket = typename Variant::socket>
awaitable<Socket> accept(typename Variant::acceptor& acceptor) {
    for (;;)
        lib::co_spawn(acceptor.get_executor(), echo<Variant>(co_await acceptor.async_accept(awaited<Socket>)),
                      lib::detached);
}

void must_not_end(std::exception_ptr error) try {
    if (error)
        std::rethrow_exception(error);
} catch (const std::exception& e) {
    std::fprintf(stderr, "accept: %s\n", e.what());
    std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
    auto serve = []<class Variant>(lib::io_context&, typename Variant::acceptor& acceptor) {
        lib::co_spawn(acceptor.get_executor(), accept<Variant>(acceptor), must_not_end);
    };
    return variants(argc, argv, serve).run();
}
