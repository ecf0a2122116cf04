// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/binder.hpp>

#include <type_traits>
#include <utility>

namespace rill {

/// A handler or a token of type T whose associated cancellation slot is the given one.
template <class T, class CancellationSlot>
class cancellation_slot_binder : public engine::bound<cancellation_slot_binder, T, CancellationSlot> {
public:
    using cancellation_slot_type = CancellationSlot;

    using engine::bound<cancellation_slot_binder, T, CancellationSlot>::bound;

    cancellation_slot_type get_cancellation_slot() const noexcept { return this->value(); }
};

template <class CancellationSlot>
using partial_cancellation_slot_binder = engine::partial_binder<cancellation_slot_binder, CancellationSlot>;

/// Makes @p slot the one by which the operation is cancelled.
template <class CancellationSlot, class T>
[[nodiscard]] cancellation_slot_binder<std::decay_t<T>, CancellationSlot>
bind_cancellation_slot(const CancellationSlot& slot, T&& target) {
    return {slot, std::forward<T>(target)};
}

/// The same for the default token.
template <class CancellationSlot>
[[nodiscard]] partial_cancellation_slot_binder<CancellationSlot> bind_cancellation_slot(const CancellationSlot& slot) {
    return partial_cancellation_slot_binder<CancellationSlot>(slot);
}

}  // namespace rill
