// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/posix/native.hpp>

namespace rill::engine::system {

/// Sees to it that writing to @p s, if that is a socket, raises no SIGPIPE: here each send says so for itself.
inline native_handle without_signal(native_handle s) noexcept { return s; }

}  // namespace rill::engine::system
