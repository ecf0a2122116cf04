// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace rill::engine {

inline constinit thread_local int this_thread_mark_variable = 0;

/// A number that no other living thread has; it is even, and not 0.
inline std::uintptr_t this_thread_mark() noexcept {
    static_assert(alignof(int) >= 2);
    return reinterpret_cast<std::uintptr_t>(&this_thread_mark_variable);
}

}  // namespace rill::engine
