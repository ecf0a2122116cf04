// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/io_context.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>

#include <support/capabilities.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <thread>

namespace tokens {

/// A connected pair; each operation is one of `socket`.
struct pair {
    explicit pair(rill::io_context& io) : socket(io), peer(io) { rill::local::connect_pair(socket, peer); }
    void cancel() { socket.cancel(); }
    void close() { socket.close(); }
    void write_from_peer() { peer.write_some(rill::buffer("1234", 4)); }

    rill::local::stream_protocol::socket socket, peer;
    char data[4]{};
};

/// A pair through which nothing goes any more, until the peer reads.
struct full_pair : pair {
    explicit full_pair(rill::io_context& io) : pair(io) {
        // Where the pair is a TCP connection, sizes that are set do not grow, and the little that there is room for is
        // acknowledged at once: else there would be room again a moment later. They are more than a segment: less would
        // go on only when a timer of the system's runs out.
        socket.set_option(rill::socket_base::send_buffer_size(200'000));
        peer.set_option(rill::socket_base::receive_buffer_size(200'000));
        socket.non_blocking(true);
        // On a busy machine that moment is longer.
        using clock = std::chrono::steady_clock;
        const std::chrono::milliseconds quiet(TEST_HAS_LOCAL_SOCKETS ? 0 : 5);
        const std::string chunk(65536, 'f');
        auto accepted = clock::now();
        for (int refusals = 0; refusals < 20 || clock::now() - accepted < quiet;) {
            rill::error_code ec;
            socket.write_some(rill::buffer(chunk), ec);
            if (ec) {
                ++refusals;
                std::this_thread::yield();
            } else {
                refusals = 0;
                accepted = clock::now();
            }
        }
    }
    void read_from_peer() {
        std::string chunk(65536, 0);
        peer.non_blocking(true);
        for (rill::error_code ec; !ec;)
            peer.read_some(rill::buffer(chunk), ec);
    }
};

}  // namespace tokens
