// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <unistd.h>

namespace rill::engine::system {

/// The environment of the process: strings "NAME=value", and null behind the last.
inline const char* const* environment() noexcept { return ::environ; }

}  // namespace rill::engine::system
