// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/windows/winsock.hpp>

#include <chrono>

// <mutex>, <condition_variable> and <thread> would cost each user a third of a second of compile time.
namespace rill::engine {

class mutex {
public:
    mutex() noexcept = default;
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;

    void lock() noexcept { ::AcquireSRWLockExclusive(&native_); }
    void unlock() noexcept { ::ReleaseSRWLockExclusive(&native_); }

private:
    friend class condition;
    ::SRWLOCK native_ = SRWLOCK_INIT;
};

/// Holds a mutex while it lives, if it was given one.
class scoped_lock {
public:
    explicit scoped_lock(mutex* m) noexcept : mutex_(m) { lock(); }
    explicit scoped_lock(mutex& m) noexcept : scoped_lock(&m) {}
    scoped_lock(const scoped_lock&) = delete;
    scoped_lock& operator=(const scoped_lock&) = delete;
    ~scoped_lock() {
        if (locked_)
            unlock();
    }

    void lock() noexcept {
        if (mutex_)
            mutex_->lock();
        locked_ = true;
    }
    void unlock() noexcept {
        locked_ = false;
        if (mutex_)
            mutex_->unlock();
    }

private:
    mutex* mutex_;
    bool locked_ = false;
};

/// A condition variable on the steady clock.
class condition {
public:
    condition() noexcept = default;
    condition(const condition&) = delete;
    condition& operator=(const condition&) = delete;

    void wait(mutex& m) noexcept { ::SleepConditionVariableSRW(&native_, &m.native_, INFINITE, 0); }

    /// False once @p until has passed.
    bool wait_until(mutex& m, std::chrono::steady_clock::time_point until) noexcept {
        using namespace std::chrono;
        constexpr milliseconds at_a_time = hours(1);
        const auto left = ceil<milliseconds>(until - steady_clock::now());
        if (left.count() > 0) {
            const auto part = static_cast<::DWORD>((left < at_a_time ? left : at_a_time).count());
            if (::SleepConditionVariableSRW(&native_, &m.native_, part, 0))
                return true;
        }
        return steady_clock::now() < until;  // it may end early
    }

    void notify_one() noexcept { ::WakeConditionVariable(&native_); }
    void notify_all() noexcept { ::WakeAllConditionVariable(&native_); }

private:
    ::CONDITION_VARIABLE native_ = CONDITION_VARIABLE_INIT;
};

/// Lets another thread go first, in a wait that is known to be short.
inline void yield_thread() noexcept { ::SwitchToThread(); }

}  // namespace rill::engine
