// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/cancellation_type.hpp>
#include <rill/core/config.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace rill {

class cancellation_signal;
class cancellation_slot;

/// What a signal calls. The library's operations carry one in their own memory; user code uses cancellation_slot.
class cancellation_hook {
public:
    using function = void (*)(cancellation_hook&, cancellation_type);

    explicit cancellation_hook(function f) noexcept : call_(f) {}
    cancellation_hook(const cancellation_hook&) = delete;
    cancellation_hook& operator=(const cancellation_hook&) = delete;

    /// Makes @p slot's signal, if it has one, call this hook, instead of what it called before.
    void connect(cancellation_slot slot) noexcept;

    /// Afterwards no signal calls this hook, nor is inside the call, except on this thread. Any thread, but one at a
    /// time. The signal may have been destroyed.
    void disconnect() noexcept;

protected:
    ~cancellation_hook() = default;

private:
    friend cancellation_signal;

    function call_;
    // The signal that calls this. Whoever exchanges it for null breaks the connection: the operation when it is done,
    // or the signal when it is destroyed or given another hook. The other one then finds null and keeps its hands off.
    std::atomic<cancellation_signal*> signal_{nullptr};
};

/// Asks an operation to end. It has at most one slot's handler at a time.
///
/// Threads  emit() from any thread until the signal is destroyed. Connecting, clearing and destroying wait for an
///          emit() that runs on another thread, and do not wait for one that runs on this thread
class cancellation_signal {
public:
    cancellation_signal() noexcept = default;
    cancellation_signal(const cancellation_signal&) = delete;
    cancellation_signal& operator=(const cancellation_signal&) = delete;
    RILL_DECL ~cancellation_signal();

    /// Calls the handler, if there is one, with @p type.
    /// Throws  what the handler throws; the library's own do not
    RILL_DECL void emit(cancellation_type type);

    cancellation_slot slot() noexcept;

    /// How often emit() has been called, modulo 2^32: for slot_since().
    unsigned emissions() const noexcept { return emissions_.load(std::memory_order_seq_cst); }

    /// A slot that also calls what is connected to it later if something has been emitted since emissions() was @p seen.
    /// For whoever first looks whether it has been cancelled, and then starts a step: what falls in between is not lost.
    cancellation_slot slot_since(unsigned seen) noexcept;

private:
    friend cancellation_hook;
    friend cancellation_slot;

    /// Holds word_ locked, unless this thread had locked it already.
    class lock;

    RILL_DECL void connect(cancellation_hook& hook) noexcept;
    RILL_DECL void disconnect(cancellation_hook& hook) noexcept;
    RILL_DECL void clear() noexcept;
    RILL_DECL bool has_handler() noexcept;
    /// Calls the handler if something has been emitted since then.
    RILL_DECL void call_if_missed(unsigned seen);
    RILL_DECL void* reserve(std::size_t size);
    RILL_DECL void drop_handler(lock& held) noexcept;

    /// A handler that lies in the signal's memory.
    template <class Handler>
    struct owned_hook final : cancellation_hook {
        template <class... Args>
        explicit owned_hook(Args&&... args)
            : cancellation_hook([](cancellation_hook& self, cancellation_type type) {
                  static_cast<owned_hook&>(self).handler(type);
              }),
              handler(std::forward<Args>(args)...) {}
        Handler handler;
    };

    template <class Handler, class... Args>
    Handler& emplace(Args&&... args);

    // An emission counts itself, then looks at word_; who connects writes word_, then looks at the count, all seq_cst:
    // one of the two sees the other, so that call_if_missed() misses nothing. Both may: handlers are then called twice.
    std::atomic<unsigned> emissions_{0};
    std::atomic<cancellation_type> latest_{cancellation_type::none};

    // Three kinds of values: null, no handler; an address, the hook to call; odd, locked: the mark of the thread that
    // holds it, plus 1, and the hook is in hook_.
    std::atomic<std::uintptr_t> word_{0};
    cancellation_hook* hook_ = nullptr;                    // whoever holds the lock
    lock* holder_ = nullptr;                               // whoever holds the lock: itself
    void (*destroy_owned_)(cancellation_hook&) = nullptr;  // whoever holds the lock; null: hook_ is not in memory_
    void* memory_ = nullptr;                               // whoever holds the lock
    std::size_t memory_size_ = 0;
};

/// A handle on a signal, by which an operation says what to call. Trivially copyable; null if default-constructed.
class cancellation_slot {
public:
    constexpr cancellation_slot() noexcept = default;

    /// Installs @p handler, called with the cancellation_type, in place of what was there.
    template <class Handler>
    std::decay_t<Handler>& assign(Handler&& handler) {
        return emplace<std::decay_t<Handler>>(std::forward<Handler>(handler));
    }

    /// Constructs a handler in the signal's memory.
    /// Throws  std::bad_alloc; what the constructor throws: the slot is then empty
    template <class Handler, class... Args>
    Handler& emplace(Args&&... args) {
        Handler& handler = signal_->template emplace<Handler>(std::forward<Args>(args)...);
        if (tracks_)
            signal_->call_if_missed(seen_);
        return handler;
    }

    /// Removes the handler, if there is one.
    void clear() noexcept {
        if (signal_)
            signal_->clear();
    }

    /// The same slot, for what is connected later: it is not called for what was emitted before. See slot_since().
    constexpr cancellation_slot from_now_on() const noexcept {
        cancellation_slot slot = *this;
        slot.tracks_ = false;
        return slot;
    }

    /// Whether there is a signal.
    constexpr bool is_connected() const noexcept { return signal_ != nullptr; }

    bool has_handler() const noexcept { return signal_ && signal_->has_handler(); }

    friend constexpr bool operator==(cancellation_slot a, cancellation_slot b) noexcept {
        return a.signal_ == b.signal_;
    }

private:
    friend cancellation_signal;
    friend cancellation_hook;

    explicit constexpr cancellation_slot(cancellation_signal& s) noexcept : signal_(&s) {}
    constexpr cancellation_slot(cancellation_signal& s, unsigned seen) noexcept
        : signal_(&s), seen_(seen), tracks_(true) {}

    cancellation_signal* signal_ = nullptr;
    unsigned seen_ = 0;
    bool tracks_ = false;  // seen_ counts
};

// Implementation

inline cancellation_slot cancellation_signal::slot() noexcept { return cancellation_slot(*this); }

inline cancellation_slot cancellation_signal::slot_since(unsigned seen) noexcept {
    return cancellation_slot(*this, seen);
}

inline void cancellation_hook::connect(cancellation_slot slot) noexcept {
    if (!slot.signal_)
        return;
    slot.signal_->connect(*this);
    if (slot.tracks_)
        slot.signal_->call_if_missed(slot.seen_);
}

inline void cancellation_hook::disconnect() noexcept {
    if (!signal_.load(std::memory_order_acquire))
        return;
    if (cancellation_signal* s = signal_.exchange(nullptr, std::memory_order_acq_rel))
        s->disconnect(*this);
}

class cancellation_signal::lock {
public:
    RILL_DECL explicit lock(cancellation_signal& s) noexcept;
    lock(const lock&) = delete;
    lock& operator=(const lock&) = delete;
    ~lock() {
        if (outermost_)
            release();
    }

    bool outermost() const noexcept { return outermost_; }
    void release() noexcept {
        outermost_ = false;
        signal_.word_.store(reinterpret_cast<std::uintptr_t>(signal_.hook_), std::memory_order_release);
    }
    RILL_DECL void acquire() noexcept;
    /// Makes this the lock, and the one that an outer frame holds void: that one will not touch the signal any more.
    void take_over() noexcept {
        signal_.holder_->outermost_ = false;
        signal_.holder_ = this;
        outermost_ = true;
    }

private:
    cancellation_signal& signal_;
    bool outermost_ = false;
};

template <class Handler, class... Args>
Handler& cancellation_signal::emplace(Args&&... args) {
    using hook = owned_hook<Handler>;
    static_assert(std::invocable<Handler&, cancellation_type>, "a cancellation handler takes a cancellation_type");
    static_assert(alignof(hook) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__, "an over-aligned cancellation handler");
    lock held(*this);
    drop_handler(held);
    auto* h = ::new (reserve(sizeof(hook))) hook(std::forward<Args>(args)...);
    h->signal_.store(this, std::memory_order_relaxed);
    destroy_owned_ = [](cancellation_hook& self) { static_cast<hook&>(self).~hook(); };
    hook_ = h;
    return h->handler;
}

}  // namespace rill

#include RILL_BODY(cancellation_signal.ipp)
