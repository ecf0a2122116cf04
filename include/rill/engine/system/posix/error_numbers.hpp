// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cerrno>
#include <netdb.h>

/// The platform's values behind rill::error's names. Source: POSIX.1-2024 <errno.h>, <netdb.h>.
namespace rill::engine::error_number {

inline constexpr int access_denied = EACCES;
inline constexpr int address_family_not_supported = EAFNOSUPPORT;
inline constexpr int address_in_use = EADDRINUSE;
inline constexpr int already_connected = EISCONN;
inline constexpr int already_started = EALREADY;
inline constexpr int bad_descriptor = EBADF;
inline constexpr int broken_pipe = EPIPE;
inline constexpr int connection_aborted = ECONNABORTED;
inline constexpr int connection_refused = ECONNREFUSED;
inline constexpr int connection_reset = ECONNRESET;
inline constexpr int fault = EFAULT;
inline constexpr int host_unreachable = EHOSTUNREACH;
inline constexpr int in_progress = EINPROGRESS;
inline constexpr int interrupted = EINTR;
inline constexpr int invalid_argument = EINVAL;
inline constexpr int message_size = EMSGSIZE;
inline constexpr int name_too_long = ENAMETOOLONG;
inline constexpr int network_down = ENETDOWN;
inline constexpr int network_reset = ENETRESET;
inline constexpr int network_unreachable = ENETUNREACH;
inline constexpr int no_buffer_space = ENOBUFS;
inline constexpr int no_descriptors = EMFILE;
inline constexpr int no_memory = ENOMEM;
inline constexpr int no_permission = EPERM;
inline constexpr int no_protocol_option = ENOPROTOOPT;
inline constexpr int no_such_device = ENODEV;
inline constexpr int not_connected = ENOTCONN;
inline constexpr int not_socket = ENOTSOCK;
inline constexpr int operation_aborted = ECANCELED;
inline constexpr int operation_not_supported = EOPNOTSUPP;
inline constexpr int shut_down = ESHUTDOWN;
inline constexpr int timed_out = ETIMEDOUT;
inline constexpr int try_again = EAGAIN;
inline constexpr int would_block = EWOULDBLOCK;

inline constexpr int host_not_found = HOST_NOT_FOUND;
inline constexpr int host_not_found_try_again = TRY_AGAIN;
inline constexpr int no_data = NO_DATA;
inline constexpr int no_recovery = NO_RECOVERY;
inline constexpr int service_not_found = EAI_SERVICE;
inline constexpr int socket_type_not_supported = EAI_SOCKTYPE;

}  // namespace rill::engine::error_number
