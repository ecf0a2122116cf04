// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>
#include <rill/engine/system/posix/native.hpp>

#include RILL_KERNEL(broken_pipe_signal.hpp)

#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/// Calls that make descriptors: non-blocking and closed on exec. Each is tried once, and says why it failed in errno.
///
/// With what all BSDs have and macOS too, which is one call to make a descriptor and more to prepare it: a process that
/// another thread starts with fork() and exec() in between may keep it.
namespace rill::engine::system {

/// Makes @p made as all descriptors of the library are, or closes it and returns no_handle. An accepted socket may be
/// non-blocking already, as the listener is: accept(2).
inline native_handle prepared(native_handle made) noexcept {
    if (made == no_handle)
        return made;
    const int flags = ::fcntl(made, F_GETFL);
    if (flags != -1 && ::fcntl(made, F_SETFL, flags | O_NONBLOCK) != -1 && ::fcntl(made, F_SETFD, FD_CLOEXEC) != -1)
        return made;
    const int error = errno;
    ::close(made);
    errno = error;
    return no_handle;
}

/// The same for two that belong together; -1 if either fails.
inline int prepared(native_handle (&pair)[2]) noexcept {
    const bool first = prepared(pair[0]) != no_handle;
    const int error = errno;
    const bool second = prepared(pair[1]) != no_handle;
    if (first && second)
        return 0;
    if (!first)
        errno = error;
    if (first != second)
        ::close(pair[first ? 0 : 1]);
    return -1;
}

/// Source  POSIX.1-2024 socket()
inline native_handle new_socket(int family, int type, int protocol) noexcept {
    return without_signal(prepared(::socket(family, type, protocol)));
}

/// Source  POSIX.1-2024 socketpair()
inline int new_socket_pair(int family, int type, int protocol, native_handle (&pair)[2]) noexcept {
    if (::socketpair(family, type, protocol, pair) != 0 || prepared(pair) != 0)
        return -1;
    for (native_handle s : pair)
        without_signal(s);
    return 0;
}

/// Source  POSIX.1-2024 accept()
inline native_handle new_connection(native_handle listener, native_address* peer, native_address_size* size) noexcept {
    return without_signal(prepared(::accept(listener, peer, size)));
}

/// Source  POSIX.1-2024 pipe()
inline int new_pipe(native_handle (&ends)[2]) noexcept { return ::pipe(ends) == 0 ? prepared(ends) : -1; }

/// Gives the number @p to, which is taken, the file of @p from. Source: POSIX.1-2024 dup2().
inline int replace_file(native_handle from, native_handle to) noexcept {
    const int number = ::dup2(from, to);
    if (number != -1)
        ::fcntl(number, F_SETFD, FD_CLOEXEC);
    return number;
}

}  // namespace rill::engine::system
