// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/binder.hpp>

#include <type_traits>
#include <utility>

namespace rill {

/// A handler or a token of type T whose associated allocator is the given one.
template <class T, class Allocator>
class allocator_binder : public engine::bound<allocator_binder, T, Allocator> {
public:
    using allocator_type = Allocator;

    using engine::bound<allocator_binder, T, Allocator>::bound;

    allocator_type get_allocator() const noexcept { return this->value(); }
};

template <class Allocator>
using partial_allocator_binder = engine::partial_binder<allocator_binder, Allocator>;

/// Makes what the operation stores come from @p a.
template <class Allocator, class T>
[[nodiscard]] allocator_binder<std::decay_t<T>, Allocator> bind_allocator(const Allocator& a, T&& target) {
    return {a, std::forward<T>(target)};
}

/// The same for the default token.
template <class Allocator>
[[nodiscard]] partial_allocator_binder<Allocator> bind_allocator(const Allocator& a) {
    return partial_allocator_binder<Allocator>(a);
}

}  // namespace rill
