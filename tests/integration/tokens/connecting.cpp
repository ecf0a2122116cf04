// SPDX-License-Identifier: BSL-1.0
#include "table.hpp"

#include <rill/compose/connect.hpp>
#include <rill/ip/tcp.hpp>

#include <array>
#include <list>

using namespace tokens;

namespace {

using rill::ip::tcp;

/// A listener whose queue is full, so that nobody else connects.
struct busy_listener {
    explicit busy_listener(rill::io_context& io) : acceptor(others), socket(io) {
        const tcp::endpoint any(rill::ip::address_v4::loopback(), 0);
        acceptor.open(any.protocol());
        acceptor.bind(any);
        acceptor.listen(0);
        peers = {acceptor.local_endpoint()};
        for (int i = 0; i != 8; ++i) {
            fillers.emplace_back(others, tcp::v4());
            fillers.back().non_blocking(true);
            error_code under_way;
            fillers.back().connect(peers[0], under_way);
        }
    }
    void cancel() { socket.cancel(); }
    void close() { socket.close(); }

    rill::io_context others;
    tcp::acceptor acceptor;
    std::list<tcp::socket> fillers;
    std::array<tcp::endpoint, 1> peers;
    tcp::socket socket;
};

struct connecting : busy_listener {
    static constexpr cancellation_type obeyed = cancellation_type::all;
    using busy_listener::busy_listener;
    template <class Token>
    auto start(Token&& token) {
        return socket.async_connect(peers[0], std::forward<Token>(token));
    }
};

struct connecting_to_any : busy_listener {
    static constexpr cancellation_type obeyed = cancellation_type::terminal | cancellation_type::partial;
    using busy_listener::busy_listener;
    template <class Token>
    auto start(Token&& token) {
        return rill::async_connect(socket, peers, std::forward<Token>(token));
    }
};

}  // namespace

TEST_CASE("async_connect ends once, with every token and in every way", "[tokens]") { tokens::check_all<connecting>(); }

TEST_CASE("async_connect with a range ends once, with every token and in every way", "[tokens]") {
    tokens::check_all<connecting_to_any>();
}
