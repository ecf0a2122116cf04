// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/io_context.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>

#include <support/little_room.hpp>

#include <cstddef>
#include <string>

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
        leave_little_room(socket, peer);  // on Windows the pair is a TCP connection
        socket.non_blocking(true);
        const std::string chunk(filling_piece, 'f');
        for (int refusals = 0; refusals < 20;) {
            rill::error_code ec;
            socket.write_some(rill::buffer(chunk), ec);
            refusals = ec ? refusals + 1 : 0;
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
