// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/cancellation_signal.hpp>
#include <rill/core/memory.hpp>

#include <atomic>
#include <utility>

namespace rill {

/// Lets through the cancellation types in @p Mask.
template <cancellation_type Mask>
struct cancellation_filter {
    constexpr cancellation_type operator()(cancellation_type type) const noexcept { return type & Mask; }
};

using disable_cancellation = cancellation_filter<cancellation_type::none>;
using enable_terminal_cancellation = cancellation_filter<cancellation_type::terminal>;
using enable_partial_cancellation = cancellation_filter<cancellation_type::terminal | cancellation_type::partial>;
using enable_total_cancellation =
    cancellation_filter<cancellation_type::terminal | cancellation_type::partial | cancellation_type::total>;

/// Relays cancellation from a slot to the steps of a composed operation, through filters, and remembers it.
///
/// Copies share one relay, which lives as long as the last of them. If the slot's signal dies first, no more comes.
///
/// Threads  cancelled() while another thread emits; otherwise like the operation that it belongs to
class cancellation_state {
public:
    /// Relays nothing, and is never cancelled.
    constexpr cancellation_state() noexcept = default;

    /// Relays @p slot's terminal cancellation.
    template <class Slot>
    explicit cancellation_state(Slot slot) : cancellation_state(slot, enable_terminal_cancellation()) {}

    /// Filters what comes in and what goes on alike.
    template <class Slot, class Filter>
    cancellation_state(Slot slot, Filter filter) : cancellation_state(slot, filter, filter) {}

    /// @p in decides what cancelled() remembers, @p out which of that goes on to the step in flight.
    /// Throws  std::bad_alloc
    template <class Slot, class InFilter, class OutFilter>
    cancellation_state(Slot slot, InFilter in, OutFilter out) {
        if (slot.is_connected()) {
            relay_ = new filtered_relay<InFilter, OutFilter>(std::move(in), std::move(out));
            relay_->connect(slot);
        }
    }

    cancellation_state(const cancellation_state& other) noexcept : relay_(other.relay_) {
        if (relay_)
            relay_->uses.fetch_add(1, std::memory_order_relaxed);
    }
    cancellation_state(cancellation_state&& other) noexcept : relay_(std::exchange(other.relay_, nullptr)) {}
    cancellation_state& operator=(cancellation_state other) noexcept {
        std::swap(relay_, other.relay_);
        return *this;
    }
    ~cancellation_state() {
        if (relay_ && relay_->uses.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            relay_->disconnect();
            relay_->destroy(relay_);
        }
    }

    /// What the steps use.
    cancellation_slot slot() const noexcept { return relay_ ? relay_->steps.slot() : cancellation_slot(); }

    /// For whoever looks at cancelled() before each step: emissions() is asked first, and the step given slot_since() that.
    /// A cancellation that comes between looking and starting then reaches the step too.
    unsigned emissions() const noexcept { return relay_ ? relay_->steps.emissions() : 0; }
    cancellation_slot slot_since(unsigned seen) const noexcept {
        return relay_ ? relay_->steps.slot_since(seen) : cancellation_slot();
    }

    /// What has come in and passed the filter; none if nothing.
    cancellation_type cancelled() const noexcept {
        return relay_ ? relay_->cancelled.load(std::memory_order_acquire) : cancellation_type::none;
    }

    /// Forgets what has come in.
    void clear() noexcept {
        if (relay_)
            relay_->cancelled.store(cancellation_type::none, std::memory_order_release);
    }

private:
    struct relay : cancellation_hook {
        using destroy_function = void (*)(relay*);
        relay(function f, destroy_function d) noexcept : cancellation_hook(f), destroy(d) {}

        static void* operator new(std::size_t size) { return engine::allocate(size); }
        static void operator delete(void* block, std::size_t size) noexcept { engine::deallocate(block, size); }

        destroy_function destroy;
        std::atomic<unsigned> uses{1};
        std::atomic<cancellation_type> cancelled{cancellation_type::none};
        cancellation_signal steps;
    };

    template <class InFilter, class OutFilter>
    struct filtered_relay final : relay {
        filtered_relay(InFilter i, OutFilter o)
            : relay(&pass, [](relay* r) { delete static_cast<filtered_relay*>(r); }),
              in(std::move(i)),
              out(std::move(o)) {}

        // Locks are taken outer to inner: the outer signal's is held here, emit() takes that of `steps`.
        static void pass(cancellation_hook& hook, cancellation_type type) {
            auto& self = static_cast<filtered_relay&>(hook);
            type = self.in(type);
            if (!type)
                return;
            self.cancelled.store(type, std::memory_order_release);
            if (type = self.out(type); !!type)
                self.steps.emit(type);
        }

        RILL_NO_UNIQUE_ADDRESS InFilter in;
        RILL_NO_UNIQUE_ADDRESS OutFilter out;
    };

    relay* relay_ = nullptr;
};

}  // namespace rill
