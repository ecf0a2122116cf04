// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/cancellation_signal.hpp>
#include <rill/token/binder.hpp>

#include <type_traits>
#include <utility>

namespace rill {

template <class T, class CancellationSlot>
class cancellation_slot_binder;

}  // namespace rill

namespace rill::engine {

/// A handler whose operation is cancelled by something else too, such as a deadline. It gives the operation a slot of
/// its own, and passes on what comes by the one to which it is told to listen.
template <class T>
concept slot_listener = requires(T& t, cancellation_slot slot) {
    t.listen(slot);
};

/// Whether T is one, or adapts one.
template <class T>
inline constexpr bool listens = slot_listener<T>;
template <derived_from_adapter T>
inline constexpr bool listens<T> = listens<typename T::target_type>;

template <class T>
void tell_to_listen(T& t, cancellation_slot slot) noexcept {
    if constexpr (derived_from_adapter<T>)
        tell_to_listen(t.get(), slot);
    else
        t.listen(slot);
}

template <class CancellationSlot>
struct bind_slot_to_handler {
    CancellationSlot slot;

    template <class Handler>
    auto operator()(Handler&& handler) const {
        std::decay_t<Handler> h(std::forward<Handler>(handler));
        if constexpr (listens<std::decay_t<Handler>>) {
            tell_to_listen(h, slot);
            return h;
        } else {
            return cancellation_slot_binder<std::decay_t<Handler>, CancellationSlot>(slot, std::move(h));
        }
    }
};

}  // namespace rill::engine

namespace rill {

/// A handler or a token of type T whose associated cancellation slot is the given one.
template <class T, class CancellationSlot>
class cancellation_slot_binder : public engine::bound<cancellation_slot_binder, T, CancellationSlot> {
public:
    using cancellation_slot_type = CancellationSlot;

    using engine::bound<cancellation_slot_binder, T, CancellationSlot>::bound;

    cancellation_slot_type get_cancellation_slot() const noexcept { return this->value(); }

    engine::bind_slot_to_handler<CancellationSlot> handler_adapter() const noexcept { return {this->value()}; }
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
