// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/posix/native.hpp>

#include <cerrno>
#include <sys/socket.h>

namespace rill::engine::system {

/// Sees to it that writing to @p s, if that is a socket, raises no SIGPIPE. macOS refuses that for a connection that has
/// been reset already, which the next call on it will tell; errno is left alone. Source: macOS getsockopt(2), SO_NOSIGPIPE.
inline native_handle without_signal(native_handle s) noexcept {
    const int error = errno;
    const int on = 1;
    if (s != no_handle)
        ::setsockopt(s, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
    errno = error;
    return s;
}

}  // namespace rill::engine::system
