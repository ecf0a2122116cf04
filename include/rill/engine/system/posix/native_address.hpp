// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <netinet/in.h>
#include <sys/un.h>

#include <rill/engine/system/posix/native.hpp>

namespace rill::engine {

using native_address_v4 = ::sockaddr_in;
using native_address_v6 = ::sockaddr_in6;
using native_address_local = ::sockaddr_un;

inline constexpr std::size_t native_path_offset = offsetof(native_address_local, sun_path);

/// From the order of the host to the order of the network, or back.
inline std::uint16_t network_order(std::uint16_t value) noexcept { return htons(value); }
inline std::uint32_t network_order(std::uint32_t value) noexcept { return htonl(value); }

}  // namespace rill::engine
