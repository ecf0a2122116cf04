// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sys/socket.h>

/// What sockets do on this system and not on others.
namespace rill::engine::socket_constant {

/// With each send: SIGPIPE is not raised. Source: send(2).
inline constexpr int message_no_signal = MSG_NOSIGNAL;

/// Listeners that share a port also share its connections. Source: socket(7), SO_REUSEPORT.
inline constexpr bool reuse_port_shares_connections = true;

/// A local address that begins with NUL is a name that no file has. Source: unix(7), "abstract".
inline constexpr bool has_abstract_names = true;

}  // namespace rill::engine::socket_constant
