// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/cancellation_signal.hpp>

#include <atomic>

namespace rill::engine {

/// Passes terminal and partial cancellation on from a composed operation's slot to whichever step is in flight, and
/// remembers that it came. It lies in the composed operation.
///
/// Threads  cancellation from any; the rest like the composed operation
class step_relay : public cancellation_hook {
public:
    step_relay() noexcept : cancellation_hook(&pass) {}

    /// Before the first step.
    void listen(cancellation_slot outer) noexcept {
        listening_ = outer.is_connected();
        connect(outer);
    }

    /// Before each further step: whether it must not be started. What is emitted from here on reaches the step.
    bool cancelled() noexcept {
        seen_ = steps_.emissions();
        return received_.load(std::memory_order_acquire);
    }

    /// What the steps are given; not connected if the operation cannot be cancelled anyway.
    cancellation_slot slot() noexcept { return listening_ ? steps_.slot_since(seen_) : cancellation_slot(); }

    /// Afterwards the slot's signal knows the operation no more.
    void release() noexcept { disconnect(); }

private:
    static void pass(cancellation_hook& hook, cancellation_type type) {
        auto& self = static_cast<step_relay&>(hook);
        type &= cancellation_type::terminal | cancellation_type::partial;
        if (!type)
            return;
        self.received_.store(true, std::memory_order_release);
        self.steps_.emit(type);
    }

    bool listening_ = false;             // constant after listen()
    unsigned seen_ = 0;                  // of steps_' emissions
    std::atomic<bool> received_{false};  // something has come in
    cancellation_signal steps_;
};

/// Stands for the relay of handlers that have no slot.
struct no_step_relay {
    void listen(cancellation_slot) noexcept {}
    static constexpr bool cancelled() noexcept { return false; }
    void release() noexcept {}
};

}  // namespace rill::engine
