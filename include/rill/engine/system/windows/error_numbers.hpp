// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/windows/winsock.hpp>

/// The platform's values behind rill::error's names. Source: Windows Sockets error codes, system error codes.
namespace rill::engine::error_number {

inline constexpr int access_denied = WSAEACCES;
inline constexpr int address_family_not_supported = WSAEAFNOSUPPORT;
inline constexpr int address_in_use = WSAEADDRINUSE;
inline constexpr int already_connected = WSAEISCONN;
inline constexpr int already_started = WSAEALREADY;
inline constexpr int bad_descriptor = WSAEBADF;
inline constexpr int broken_pipe = ERROR_BROKEN_PIPE;
inline constexpr int connection_aborted = WSAECONNABORTED;
inline constexpr int connection_refused = WSAECONNREFUSED;
inline constexpr int connection_reset = WSAECONNRESET;
inline constexpr int fault = WSAEFAULT;
inline constexpr int host_unreachable = WSAEHOSTUNREACH;
inline constexpr int in_progress = WSAEINPROGRESS;
inline constexpr int interrupted = WSAEINTR;
inline constexpr int invalid_argument = WSAEINVAL;
inline constexpr int message_size = WSAEMSGSIZE;
inline constexpr int name_too_long = WSAENAMETOOLONG;
inline constexpr int network_down = WSAENETDOWN;
inline constexpr int network_reset = WSAENETRESET;
inline constexpr int network_unreachable = WSAENETUNREACH;
inline constexpr int no_buffer_space = WSAENOBUFS;
inline constexpr int no_descriptors = WSAEMFILE;
inline constexpr int no_memory = ERROR_OUTOFMEMORY;
inline constexpr int no_permission = ERROR_ACCESS_DENIED;
inline constexpr int no_protocol_option = WSAENOPROTOOPT;
inline constexpr int no_such_device = ERROR_BAD_UNIT;
inline constexpr int not_connected = WSAENOTCONN;
inline constexpr int not_socket = WSAENOTSOCK;
inline constexpr int operation_aborted = ERROR_OPERATION_ABORTED;
inline constexpr int operation_not_supported = WSAEOPNOTSUPP;
inline constexpr int shut_down = WSAESHUTDOWN;
inline constexpr int timed_out = WSAETIMEDOUT;
inline constexpr int try_again = ERROR_RETRY;
inline constexpr int would_block = WSAEWOULDBLOCK;

inline constexpr int host_not_found = WSAHOST_NOT_FOUND;
inline constexpr int host_not_found_try_again = WSATRY_AGAIN;
inline constexpr int no_data = WSANO_DATA;
inline constexpr int no_recovery = WSANO_RECOVERY;
inline constexpr int service_not_found = WSATYPE_NOT_FOUND;
inline constexpr int socket_type_not_supported = WSAESOCKTNOSUPPORT;

}  // namespace rill::engine::error_number
