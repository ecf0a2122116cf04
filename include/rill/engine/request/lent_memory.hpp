// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>

#include <cstddef>

#if RILL_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace rill::engine {

inline constexpr bool checks_lent_memory = RILL_ADDRESS_SANITIZER != 0;

/// With AddressSanitizer: ends the program with the sanitizer's report if some of @p memory is gone. By itself the sanitizer
/// does not see what the kernel writes, and has nothing to see where an operation moved nothing, but could have.
#if RILL_ADDRESS_SANITIZER
RILL_COLD inline void a_buffer_must_live_until_the_handler_is_called(void* memory, std::size_t size) noexcept {
    if (void* gone = ::__asan_region_is_poisoned(memory, size))
        static_cast<void>(*static_cast<const volatile char*>(gone));
}
#else
inline void a_buffer_must_live_until_the_handler_is_called(const void*, std::size_t) noexcept {}
#endif

}  // namespace rill::engine
