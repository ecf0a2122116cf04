// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/cancellation_signal.hpp>
#include <rill/token/associator.hpp>

namespace rill::engine {

struct cancellation_slot_kind {
    template <class T>
    using of = typename T::cancellation_slot_type;
    template <class T>
    static decltype(auto) get(const T& t) noexcept {
        return t.get_cancellation_slot();
    }
};

}  // namespace rill::engine

namespace rill {

/// The slot through which an operation with a handler of type T is cancelled: T's member cancellation_slot_type and
/// get_cancellation_slot(), or else @p Slot, by default one that is not connected.
template <class T, class Slot = cancellation_slot>
struct associated_cancellation_slot
    : engine::association<engine::cancellation_slot_kind, associated_cancellation_slot, T, Slot> {};

template <class T, class Slot = cancellation_slot>
using associated_cancellation_slot_t = typename associated_cancellation_slot<T, Slot>::type;

template <class T>
decltype(auto) get_associated_cancellation_slot(const T& t) noexcept {
    return associated_cancellation_slot<T>::get(t);
}
template <class T, class Slot>
decltype(auto) get_associated_cancellation_slot(const T& t, const Slot& candidate) noexcept {
    return associated_cancellation_slot<T, Slot>::get(t, candidate);
}

}  // namespace rill

namespace rill::engine {

/// Whether an operation with a handler of type T may be given a slot at all.
template <class T>
inline constexpr bool has_associated_cancellation_slot =
    !std::is_same_v<typename associated_cancellation_slot<T, no_candidate>::type, no_candidate>;

}  // namespace rill::engine
