// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/cancellation_signal.hpp>
#include <rill/core/platform.hpp>
#include <rill/core/thread_mark.hpp>

#include RILL_SYSTEM(mutex.hpp)

namespace rill {

RILL_DECL cancellation_signal::lock::lock(cancellation_signal& s) noexcept : signal_(s) { acquire(); }

RILL_DECL void cancellation_signal::lock::acquire() noexcept {
    const std::uintptr_t mine = engine::this_thread_mark() | 1;
    std::uintptr_t word = signal_.word_.load(std::memory_order_relaxed);
    for (;;) {
        if (word == mine)
            return;
        if ((word & 1) == 0) {
            if (!signal_.word_.compare_exchange_weak(word, mine, std::memory_order_acquire, std::memory_order_relaxed))
                continue;
            signal_.hook_ = reinterpret_cast<cancellation_hook*>(word);
            signal_.holder_ = this;
            outermost_ = true;
            return;
        }
        engine::yield_thread();
        word = signal_.word_.load(std::memory_order_relaxed);
    }
}

RILL_DECL void cancellation_signal::emit(cancellation_type type) {
    latest_.store(type, std::memory_order_relaxed);
    emissions_.fetch_add(1, std::memory_order_seq_cst);
    if (word_.load(std::memory_order_seq_cst) == 0)
        return;
    lock held(*this);
    if (hook_)
        hook_->call_(*hook_, type);
}

// Leaves the signal locked and without a handler. If the hook's operation is just breaking the connection, it already
// has this signal's address and needs the lock once more: let it finish, or it would meet a signal that is gone. (Not
// if this thread is inside emit(): the operation waits for that, and will find another hook, or none.)
RILL_DECL void cancellation_signal::drop_handler(lock& held) noexcept {
    while (hook_ && !hook_->signal_.exchange(nullptr, std::memory_order_acq_rel) && held.outermost()) {
        held.release();
        engine::yield_thread();
        held.acquire();
    }
    cancellation_hook* dropped = std::exchange(hook_, nullptr);
    if (auto* destroy = std::exchange(destroy_owned_, nullptr); destroy && dropped)
        destroy(*dropped);  // the last thing done: it may destroy this signal
}

RILL_DECL cancellation_signal::~cancellation_signal() {
    if (word_.load(std::memory_order_acquire) != 0) {
        lock held(*this);
        held.take_over();
        drop_handler(held);
    }
    if (memory_)
        ::operator delete(memory_);
}

RILL_DECL void cancellation_signal::call_if_missed(unsigned seen) {
    if (emissions_.load(std::memory_order_seq_cst) == seen)
        return;
    lock held(*this);
    if (hook_)
        hook_->call_(*hook_, latest_.load(std::memory_order_relaxed));
}

RILL_DECL void cancellation_signal::connect(cancellation_hook& hook) noexcept {
    hook.signal_.store(this, std::memory_order_relaxed);
    std::uintptr_t none = 0;
    if (word_.compare_exchange_strong(none, reinterpret_cast<std::uintptr_t>(&hook), std::memory_order_seq_cst))
        return;
    lock held(*this);
    drop_handler(held);
    hook_ = &hook;
}

// The hook's signal_ is null already, so nobody else breaks the connection; the last touch of this signal is the store
// that its destructor waits for.
RILL_DECL void cancellation_signal::disconnect(cancellation_hook& hook) noexcept {
    auto connected = reinterpret_cast<std::uintptr_t>(&hook);
    if (word_.compare_exchange_strong(connected, 0, std::memory_order_acq_rel))
        return;
    lock held(*this);
    if (hook_ == &hook)
        hook_ = nullptr;
}

RILL_DECL void cancellation_signal::clear() noexcept {
    if (word_.load(std::memory_order_acquire) == 0)
        return;
    lock held(*this);
    drop_handler(held);
}

RILL_DECL bool cancellation_signal::has_handler() noexcept {
    lock held(*this);
    return hook_ != nullptr;
}

// With the lock held and no handler.
RILL_DECL void* cancellation_signal::reserve(std::size_t size) {
    if (memory_size_ < size) {
        ::operator delete(memory_);
        memory_ = nullptr;
        memory_size_ = 0;
        memory_ = ::operator new(size);
        memory_size_ = size;
    }
    return memory_;
}

}  // namespace rill
