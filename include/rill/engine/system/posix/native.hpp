// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

namespace rill::engine {

/// What the system calls an open file or socket.
using native_handle = int;
inline constexpr native_handle no_handle = -1;

/// Whether the system could have made a handle of this value.
constexpr bool may_be_handle(native_handle handle) noexcept { return handle >= 0; }

/// What the system calls a piece of memory in a gathering or scattering call.
using native_buffer = ::iovec;

inline native_buffer make_native_buffer(const void* data, std::size_t size) noexcept {
    return native_buffer{const_cast<void*>(data), size};
}
inline void* data_of(const native_buffer& b) noexcept { return b.iov_base; }
inline std::size_t size_of(const native_buffer& b) noexcept { return b.iov_len; }

/// The most buffers one call passes on. POSIX guarantees IOV_MAX >= 16; more of a sequence goes with the next call.
inline constexpr std::size_t most_native_buffers = 64;

/// The most bytes one call passes on: more would not fit the signed result that tells how much of it was moved.
inline constexpr std::size_t most_native_bytes = static_cast<std::size_t>(-1) / 2;

using native_address = ::sockaddr;
using native_address_storage = ::sockaddr_storage;
using native_address_size = ::socklen_t;

}  // namespace rill::engine
