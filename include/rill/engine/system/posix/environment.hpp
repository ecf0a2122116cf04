// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_KERNEL(environment.hpp)

#include <unistd.h>

namespace rill::engine::system {

/// A number that the process and no other one has: not one made by fork() either.
inline long process_number() noexcept { return ::getpid(); }

}  // namespace rill::engine::system
