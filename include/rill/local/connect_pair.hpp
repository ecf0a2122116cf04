// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/io/basic_socket.hpp>
#include <rill/local/stream_protocol.hpp>

namespace rill::local {

/// Makes two sockets, both closed, into a connected pair.
/// Throws  system_error: already_open, or what socketpair() reports. Source: POSIX.1-2024 socketpair()
template <class Protocol, class Executor1, class Executor2>
void connect_pair(basic_socket<Protocol, Executor1>& first, basic_socket<Protocol, Executor2>& second, error_code& ec) {
    ec = error_code();
    if (first.is_open() || second.is_open()) {
        ec = error::already_open;
        return;
    }
    Protocol protocol;
    engine::native_handle pair[2];
    if (!engine::system::open_socket_pair(protocol.family(), protocol.type(), protocol.protocol(), pair, ec))
        return;
    first.adopt(protocol, pair[0]);
    second.adopt(protocol, pair[1]);
}
template <class Protocol, class Executor1, class Executor2>
void connect_pair(basic_socket<Protocol, Executor1>& first, basic_socket<Protocol, Executor2>& second) {
    error_code ec;
    connect_pair(first, second, ec);
    throw_if(ec, "connect_pair");
}

}  // namespace rill::local
