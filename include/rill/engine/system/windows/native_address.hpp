// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/windows/native.hpp>

#include <afunix.h>
#include <cstddef>
#include <cstdint>

namespace rill::engine {

using native_address_v4 = ::sockaddr_in;
using native_address_v6 = ::sockaddr_in6;
using native_address_local = ::sockaddr_un;

inline constexpr std::size_t native_path_offset = offsetof(native_address_local, sun_path);

/// From the order of the host to the order of the network, or back. All processors that Windows runs on are little-endian.
constexpr std::uint16_t network_order(std::uint16_t value) noexcept {
    return static_cast<std::uint16_t>(value << 8 | value >> 8);
}
constexpr std::uint32_t network_order(std::uint32_t value) noexcept {
    return value << 24 | (value & 0xff00u) << 8 | (value >> 8 & 0xff00u) | value >> 24;
}

/// What an IPv4 address is there.
constexpr std::uint32_t network_order(unsigned long value) noexcept {
    return network_order(static_cast<std::uint32_t>(value));
}

}  // namespace rill::engine
