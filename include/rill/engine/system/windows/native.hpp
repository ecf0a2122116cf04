// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/windows/winsock.hpp>

#include <cstddef>

namespace rill::engine {

/// What the system calls an open socket.
using native_handle = ::SOCKET;
inline constexpr native_handle no_handle = INVALID_SOCKET;

/// Whether the system could have made a handle of this value.
constexpr bool may_be_handle(native_handle handle) noexcept { return handle != no_handle; }

/// What the system calls a piece of memory in a gathering or scattering call.
using native_buffer = ::WSABUF;

inline native_buffer make_native_buffer(const void* data, std::size_t size) noexcept {
    native_buffer b;
    b.len = static_cast<::ULONG>(size);
    b.buf = const_cast<char*>(static_cast<const char*>(data));
    return b;
}
inline void* data_of(const native_buffer& b) noexcept { return b.buf; }
inline std::size_t size_of(const native_buffer& b) noexcept { return b.len; }

/// The most buffers one call passes on; more of a sequence goes with the next call.
inline constexpr std::size_t most_native_buffers = 64;

/// The most bytes one call passes on: it tells how many it moved in 32 bits, and the library in a signed number.
inline constexpr std::size_t most_native_bytes = 0x7fff'ffff;

using native_address = ::sockaddr;
using native_address_storage = ::sockaddr_storage;
using native_address_size = int;

}  // namespace rill::engine
