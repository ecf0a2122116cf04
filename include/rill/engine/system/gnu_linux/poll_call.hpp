// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <poll.h>
#include <time.h>

namespace rill::engine::system {

/// poll() with a time-out as fine as the system has it; null: for ever. Source: ppoll(2).
inline int poll(::pollfd* set, std::size_t count, const ::timespec* timeout) noexcept {
    return ::ppoll(set, static_cast<::nfds_t>(count), timeout, nullptr);
}

}  // namespace rill::engine::system
