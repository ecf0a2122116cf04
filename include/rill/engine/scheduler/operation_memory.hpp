// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/memory.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace rill::engine {

template <class Allocator>
inline constexpr bool is_default_allocator = false;
template <class T>
inline constexpr bool is_default_allocator<std::allocator<T>> = true;

/// The memory of one T: from the user's allocator, or recycled if that is the default one.
template <class T, class Allocator>
struct operation_memory {
    using rebound = typename std::allocator_traits<Allocator>::template rebind_alloc<T>;
    static constexpr bool recycled = is_default_allocator<Allocator> && alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;

    RILL_INLINE static void* allocate(const Allocator& allocator) {
        if constexpr (recycled)
            return engine::allocate(sizeof(T));
        else {
            rebound r(allocator);
            return std::to_address(std::allocator_traits<rebound>::allocate(r, 1));
        }
    }

    RILL_INLINE static void deallocate(const Allocator& allocator, void* memory) noexcept {
        if constexpr (recycled)
            engine::deallocate(memory, sizeof(T));
        else {
            rebound r(allocator);
            using pointer = typename std::allocator_traits<rebound>::pointer;
            std::allocator_traits<rebound>::deallocate(
                r, std::pointer_traits<pointer>::pointer_to(*static_cast<T*>(memory)), 1);
        }
    }

    /// Allocates and constructs; frees again if the constructor throws.
    template <class... Args>
    static T* create(const Allocator& allocator, Args&&... args) {
        void* memory = allocate(allocator);
        if constexpr (std::is_nothrow_constructible_v<T, Args&&...>) {
            return ::new (memory) T(std::forward<Args>(args)...);
        } else {
            try {
                return ::new (memory) T(std::forward<Args>(args)...);
            } catch (...) {
                deallocate(allocator, memory);
                throw;
            }
        }
    }
};

}  // namespace rill::engine
