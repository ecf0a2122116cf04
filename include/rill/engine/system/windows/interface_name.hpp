// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rill::engine {

/// The index of the network interface called @p name; 0 if there is none.
RILL_DECL std::uint32_t interface_index(std::string_view name) noexcept;

/// Appends the name of a network interface, if there is one with this index.
RILL_DECL bool append_interface_name(std::string& text, std::uint32_t index);

}  // namespace rill::engine

#include RILL_BODY(interface_name.ipp)
