// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/memory.hpp>
#include <rill/engine/scheduler/operation_memory.hpp>

#include <cstddef>
#include <new>
#include <type_traits>

namespace rill {

/// An allocator of the memory that operations have by default: each thread keeps freed blocks for the next request of
/// their size.
///
/// Threads  any; memory may be freed by another thread than the one that asked for it
template <class T = void>
class recycling_allocator {
public:
    using value_type = T;

    constexpr recycling_allocator() noexcept = default;
    template <class U>
    constexpr recycling_allocator(const recycling_allocator<U>&) noexcept {}

    template <class U>
    struct rebind {
        using other = recycling_allocator<U>;
    };

    /// Throws  std::bad_alloc
    [[nodiscard]] T* allocate(std::size_t n) requires(!std::is_void_v<T>) {
        if (n > static_cast<std::size_t>(-1) / sizeof(T))
            throw std::bad_alloc();
        if constexpr (is_recycled<T>)
            return static_cast<T*>(engine::allocate(n * sizeof(T)));
        else
            return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(alignof(T))));
    }
    void deallocate(T* p, std::size_t n) noexcept requires(!std::is_void_v<T>) {
        if constexpr (is_recycled<T>)
            engine::deallocate(p, n * sizeof(T));
        else
            ::operator delete(p, std::align_val_t(alignof(T)));
    }

    template <class U>
    friend constexpr bool operator==(const recycling_allocator&, const recycling_allocator<U>&) noexcept {
        return true;
    }

private:
    template <class U>
    static constexpr bool is_recycled = alignof(U) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;
};

}  // namespace rill

namespace rill::engine {

template <class T>
inline constexpr bool is_default_allocator<recycling_allocator<T>> = true;

}  // namespace rill::engine
