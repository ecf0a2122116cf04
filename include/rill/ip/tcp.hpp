// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>
#include <rill/io/basic_socket_acceptor.hpp>
#include <rill/io/basic_stream_socket.hpp>
#include <rill/io/socket_option.hpp>
#include <rill/ip/basic_endpoint.hpp>

#include RILL_SYSTEM(socket_constants.hpp)

namespace rill::ip {

/// TCP over one version of IP.
///
/// Source    RFC 9293
class tcp {
public:
    using endpoint = basic_endpoint<tcp>;
    using socket = basic_stream_socket<tcp>;
    using acceptor = basic_socket_acceptor<tcp>;

    /// Sends small segments at once instead of collecting them while an acknowledgement is awaited.
    ///
    /// Source    RFC 9293 section 3.7.4; POSIX.1-2024 <netinet/tcp.h>, TCP_NODELAY
    using no_delay =
        engine::socket_option::boolean<engine::socket_constant::protocol_tcp, engine::socket_constant::tcp_no_delay>;

    static constexpr tcp v4() noexcept { return tcp(engine::socket_constant::family_ipv4); }
    static constexpr tcp v6() noexcept { return tcp(engine::socket_constant::family_ipv6); }

    /// The arguments of socket().
    constexpr int family() const noexcept { return family_; }
    constexpr int type() const noexcept { return engine::socket_constant::type_stream; }
    constexpr int protocol() const noexcept { return engine::socket_constant::protocol_tcp; }

    friend constexpr bool operator==(const tcp&, const tcp&) noexcept = default;

private:
    constexpr explicit tcp(int family) noexcept : family_(family) {}

    int family_;
};

}  // namespace rill::ip
