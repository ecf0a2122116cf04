// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/associator.hpp>

#include <memory>

namespace rill::engine {

struct allocator_kind {
    template <class T>
    using of = typename T::allocator_type;
    template <class T>
    static decltype(auto) get(const T& t) noexcept {
        return t.get_allocator();
    }
};

}  // namespace rill::engine

namespace rill {

/// The allocator of what an operation with a handler of type T stores: T's member allocator_type and get_allocator(),
/// or else @p Allocator. With std::allocator the memory is recycled by each thread.
template <class T, class Allocator = std::allocator<void>>
struct associated_allocator : engine::association<engine::allocator_kind, associated_allocator, T, Allocator> {};

template <class T, class Allocator = std::allocator<void>>
using associated_allocator_t = typename associated_allocator<T, Allocator>::type;

template <class T>
decltype(auto) get_associated_allocator(const T& t) noexcept {
    return associated_allocator<T>::get(t);
}
template <class T, class Allocator>
decltype(auto) get_associated_allocator(const T& t, const Allocator& candidate) noexcept {
    return associated_allocator<T, Allocator>::get(t, candidate);
}

}  // namespace rill
