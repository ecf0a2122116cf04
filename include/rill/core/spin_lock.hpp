// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <atomic>

namespace rill::engine {

/// A lock for a few instructions that hardly ever meet another thread: half the price of a mutex then.
class spin_lock {
public:
    spin_lock() noexcept = default;
    spin_lock(const spin_lock&) = delete;
    spin_lock& operator=(const spin_lock&) = delete;

    void lock() noexcept {
        while (locked_.exchange(true, std::memory_order_acquire))
            [[unlikely]] wait();
    }
    void unlock() noexcept { locked_.store(false, std::memory_order_release); }

private:
    // Whoever holds it may have lost its processor.
    void wait() noexcept {
        for (int i = 0; locked_.load(std::memory_order_relaxed); ++i)
            if (i > 100)
                yield_thread();
    }

    std::atomic<bool> locked_{false};
};

class spin_guard {
public:
    explicit spin_guard(spin_lock& l) noexcept : lock_(l) { lock_.lock(); }
    spin_guard(const spin_guard&) = delete;
    spin_guard& operator=(const spin_guard&) = delete;
    ~spin_guard() { lock_.unlock(); }

private:
    spin_lock& lock_;
};

}  // namespace rill::engine
