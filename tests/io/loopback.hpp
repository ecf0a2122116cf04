// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the tests of I/O objects share: connections inside the machine, handlers that note their arguments, and runs
// that end.

#include <rill/context/io_context.hpp>
#include <rill/core/buffer.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/token/bind_cancellation_slot.hpp>

#include <support/catch.hpp>
#include <support/little_room.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

namespace loopback {

using rill::ip::tcp;
using namespace std::chrono_literals;

/// The concurrency hints that every test of an operation is run with: solo, shared.
inline constexpr int solo = 1;
inline constexpr int shared = 2;

inline tcp::endpoint any_port() { return tcp::endpoint(rill::ip::address_v4::loopback(), 0); }

/// What a handler has been told, and how often.
struct answer {
    int calls = 0;
    rill::error_code ec;
    std::size_t bytes = 0;

    /// A handler that writes here; it can be moved but not copied.
    auto handler() {
        struct noting {
            explicit noting(answer& a) : to(&a) {}
            noting(noting&&) = default;
            void operator()(const rill::error_code& e, std::size_t n = 0) {
                ++to->calls;
                to->ec = e;
                to->bytes = n;
            }
            answer* to;
        };
        return noting(*this);
    }
    auto handler(rill::cancellation_signal& signal) { return rill::bind_cancellation_slot(signal.slot(), handler()); }

    bool aborted() const { return calls == 1 && ec == rill::error::operation_aborted && bytes == 0; }
    bool succeeded() const { return calls == 1 && !ec; }
};

/// Runs all handlers. If some never come, the test fails instead of hanging.
inline std::size_t run(rill::io_context& io) {
    io.restart();
    std::size_t n = io.run_for(60s);
    CHECK(io.stopped());
    return n;
}

/// Runs handlers until @p done says so.
inline bool run_until(rill::io_context& io, const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (!done() && std::chrono::steady_clock::now() < end) {
        if (io.stopped())
            io.restart();
        io.run_one_for(10ms);
    }
    return done();
}

/// Connects two closed sockets of any executor.
template <class First, class Second>
void connect(First& first, Second& second) {
    rill::io_context io;
    tcp::acceptor acceptor(io, any_port());
    first.connect(acceptor.local_endpoint());
    acceptor.accept(second);
}

/// Two sockets that are connected by TCP.
struct tcp_pair {
    explicit tcp_pair(rill::io_context& io) : first(io), second(io) { connect(first, second); }
    tcp::socket first;
    tcp::socket second;
};

/// Sends, in pieces of that size, until the system takes no more. Returns how much it took. A moment later it may take more: where
/// the peer acknowledges late, after 40 ms.
template <class Socket>
std::size_t fill(Socket& socket, std::size_t piece = 65536) {
    const bool before = socket.non_blocking();
    socket.non_blocking(true);
    const std::string data(piece, 'f');
    std::size_t total = 0;
    rill::error_code ec;
    // The system may go on taking when it has moved what it has to the peer: believe a second refusal only.
    for (int refusals = 0; refusals < 2;) {
        std::size_t n = socket.write_some(rill::buffer(data), ec);
        total += n;
        refusals = ec ? refusals + 1 : 0;
    }
    CHECK(ec == rill::error::would_block);
    socket.non_blocking(before);
    return total;
}

/// The same from the first to the second, and for good: there is no more room until that reads.
inline std::size_t fill(tcp_pair& pair) {
    leave_little_room(pair.first, pair.second);
    return fill(pair.first, filling_piece);
}

/// Receives all there is at the moment.
template <class Socket>
std::size_t drain(Socket& socket) {
    const bool before = socket.non_blocking();
    socket.non_blocking(true);
    std::string data(65536, 0);
    std::size_t total = 0;
    rill::error_code ec;
    while (!ec)
        total += socket.read_some(rill::buffer(data), ec);
    socket.non_blocking(before);
    return total;
}

}  // namespace loopback
