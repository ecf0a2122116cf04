// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/cancellation_signal.hpp>
#include <rill/core/config.hpp>
#include <rill/core/thread_mark.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <atomic>
#include <cstdint>
#include <utility>

namespace rill::engine {

/// Passes terminal and partial cancellation on from a composed operation's slot to whichever step is in flight, and
/// remembers that it came. It lies in the composed operation.
///
/// A cancellation from another thread that falls between two steps, or between a step's beginning and its connecting to
/// slot(), is not lost: start() looks once more when the step has been started. The step may be done by then, on
/// another thread, so what comes next there waits until start() has let go.
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

    /// What the steps are given; not connected if the operation cannot be cancelled anyway.
    cancellation_slot slot() noexcept { return listening_ ? steps_.slot() : cancellation_slot(); }

    bool cancelled() const noexcept { return received_.load(std::memory_order_acquire) != 0; }

    /// Calls @p start, which starts a step and by that may end this object's life.
    template <class Start>
    void start(Start&& start) {
        if (!listening_) {
            std::forward<Start>(start)();
            return;
        }
        starting now(*this);
        std::forward<Start>(start)();
        now.pass_missed();
    }

    /// Afterwards the slot's signal knows the operation no more, and no start() on another thread touches it.
    void release() noexcept {
        if (!listening_)
            return;
        disconnect();
        if (started_here())
            start_here_->forget();
    }

private:
    static constexpr auto passed_on = cancellation_type::terminal | cancellation_type::partial;

    /// A call of start(), on its stack.
    class starting {
    public:
        explicit starting(step_relay& r) noexcept : relay_(&r) {
            [[maybe_unused]] const bool nested = r.started_here();
            RILL_ASSERT(!nested);  // the step before must not complete inside its start
            r.start_here_ = this;
            r.starter_.store(this_thread_mark(), std::memory_order_relaxed);
        }
        starting(const starting&) = delete;
        starting& operator=(const starting&) = delete;
        ~starting() {
            if (relay_)
                relay_->starter_.store(0, std::memory_order_release);
        }

        // TRICKY: this and pass() meet in a read-modify-write of received_ each. If this one is first, pass() finds the
        // step's handler in steps_; if it is second, it sees the cancellation.
        void pass_missed() {
            if (!relay_)
                return;
            if (unsigned type = relay_->received_.fetch_or(0, std::memory_order_acq_rel))
                relay_->steps_.emit(static_cast<cancellation_type>(type));
        }

        /// The step has been destroyed inside its start, and the relay dies with it.
        void forget() noexcept { relay_ = nullptr; }

    private:
        step_relay* relay_;
    };

    /// Waits until no other thread is inside start(). Whether this one is.
    bool started_here() const noexcept {
        while (const std::uintptr_t starter = starter_.load(std::memory_order_acquire)) {
            if (starter == this_thread_mark())
                return true;
            yield_thread();
        }
        return false;
    }

    static void pass(cancellation_hook& hook, cancellation_type type) {
        auto& self = static_cast<step_relay&>(hook);
        type &= passed_on;
        if (!type)
            return;
        self.received_.fetch_or(static_cast<unsigned>(type), std::memory_order_acq_rel);
        self.steps_.emit(type);
    }

    bool listening_ = false;                  // constant after listen()
    std::atomic<unsigned> received_{0};       // the cancellation types that have come in
    std::atomic<std::uintptr_t> starter_{0};  // the mark of the thread inside start(), which writes it, or 0
    starting* start_here_ = nullptr;          // that thread only
    cancellation_signal steps_;
};

/// Stands for the relay of handlers that have no slot.
struct no_step_relay {
    void listen(cancellation_slot) noexcept {}
    static constexpr bool cancelled() noexcept { return false; }
    template <class Start>
    void start(Start&& start) {
        std::forward<Start>(start)();
    }
    void release() noexcept {}
};

}  // namespace rill::engine
