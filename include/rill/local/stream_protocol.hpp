// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>
#include <rill/io/basic_socket_acceptor.hpp>
#include <rill/io/basic_stream_socket.hpp>
#include <rill/local/basic_endpoint.hpp>

#include RILL_SYSTEM(socket_constants.hpp)

namespace rill::local {

/// Streams between processes of one machine.
///
/// Source    POSIX.1-2024 <sys/un.h>
class stream_protocol {
public:
    using endpoint = basic_endpoint<stream_protocol>;
    using socket = basic_stream_socket<stream_protocol>;
    using acceptor = basic_socket_acceptor<stream_protocol>;

    /// The arguments of socket().
    constexpr int family() const noexcept { return engine::socket_constant::family_local; }
    constexpr int type() const noexcept { return engine::socket_constant::type_stream; }
    constexpr int protocol() const noexcept { return 0; }

    friend constexpr bool operator==(const stream_protocol&, const stream_protocol&) noexcept = default;
};

}  // namespace rill::local
