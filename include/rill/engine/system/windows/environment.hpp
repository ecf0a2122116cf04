// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/windows/winsock.hpp>

#include <cstdlib>

namespace rill::engine::system {

/// The environment of the process: strings "NAME=value", and null behind the last.
inline const char* const* environment() noexcept { return _environ; }

/// A number that the process and no other one has.
inline long process_number() noexcept { return static_cast<long>(::GetCurrentProcessId()); }

}  // namespace rill::engine::system
