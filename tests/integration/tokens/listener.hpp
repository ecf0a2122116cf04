// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/ip/tcp.hpp>

namespace tokens {

struct listener {
    explicit listener(rill::io_context& io)
        : acceptor(io, rill::ip::tcp::endpoint(rill::ip::address_v4::loopback(), 0)), accepted(io), client(io) {}
    void cancel() { acceptor.cancel(); }
    void close() { acceptor.close(); }
    void connect() { client.connect(acceptor.local_endpoint()); }

    rill::ip::tcp::acceptor acceptor;
    rill::ip::tcp::socket accepted, client;
};

}  // namespace tokens
