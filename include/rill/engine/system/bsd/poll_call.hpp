// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <poll.h>
#include <time.h>

namespace rill::engine::system {

/// poll() with a time-out; null: for ever. macOS has no ppoll(): whole milliseconds, rounded up, an hour at most.
/// Source: POSIX.1-2024 poll().
inline int poll(::pollfd* set, std::size_t count, const ::timespec* timeout) noexcept {
    int milliseconds = -1;
    if (timeout && timeout->tv_sec >= 3600)
        milliseconds = 3'600'000;
    else if (timeout)
        milliseconds = static_cast<int>(timeout->tv_sec * 1000 + (timeout->tv_nsec + 999'999) / 1'000'000);
    return ::poll(set, static_cast<::nfds_t>(count), milliseconds);
}

}  // namespace rill::engine::system
