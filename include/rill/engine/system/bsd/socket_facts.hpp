// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sys/socket.h>

/// What sockets do on this system and not on others.
namespace rill::engine::socket_constant {

/// With each send: SIGPIPE is not raised. Source: send(2).
inline constexpr int message_no_signal = MSG_NOSIGNAL;

/// Listeners that share a port do not share its connections: all go to one of them.
inline constexpr bool reuse_port_shares_connections = false;

/// A local address that begins with NUL has no name.
inline constexpr bool has_abstract_names = false;

}  // namespace rill::engine::socket_constant
