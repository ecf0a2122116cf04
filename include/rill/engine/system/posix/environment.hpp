// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <unistd.h>

namespace rill::engine::system {

/// The environment of the process: strings "NAME=value", and null behind the last.
inline const char* const* environment() noexcept { return ::environ; }

/// A number that the process and no other one has: not one made by fork() either.
inline long process_number() noexcept { return ::getpid(); }

}  // namespace rill::engine::system
