// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/posix/native.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/// Calls that make descriptors: non-blocking and closed on exec from the start. Each is tried once, and says why it
/// failed in errno.
namespace rill::engine::system {

/// Source  socket(2)
inline native_handle new_socket(int family, int type, int protocol) noexcept {
    return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

/// Source  socketpair(2)
inline int new_socket_pair(int family, int type, int protocol, native_handle (&pair)[2]) noexcept {
    return ::socketpair(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol, pair);
}

/// Source  accept4(2)
inline native_handle new_connection(native_handle listener, native_address* peer, native_address_size* size) noexcept {
    return ::accept4(listener, peer, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/// Gives the number @p to, which is taken, the file of @p from. Source  dup3(2)
inline int replace_file(native_handle from, native_handle to) noexcept { return ::dup3(from, to, O_CLOEXEC); }

}  // namespace rill::engine::system
