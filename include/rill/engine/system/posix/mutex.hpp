// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_KERNEL(condition_clock.hpp)

#include <cerrno>
#include <chrono>
#include <pthread.h>
#include <sched.h>
#include <time.h>

// <mutex>, <condition_variable> and <thread> would cost each user a third of a second of compile time.
namespace rill::engine {

class mutex {
public:
    mutex() noexcept = default;
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;
    ~mutex() { ::pthread_mutex_destroy(&native_); }

    void lock() noexcept { ::pthread_mutex_lock(&native_); }
    void unlock() noexcept { ::pthread_mutex_unlock(&native_); }

private:
    friend class condition;
    ::pthread_mutex_t native_ = PTHREAD_MUTEX_INITIALIZER;
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
    condition() noexcept { system::make_condition(native_); }
    condition(const condition&) = delete;
    condition& operator=(const condition&) = delete;
    ~condition() { ::pthread_cond_destroy(&native_); }

    void wait(mutex& m) noexcept { ::pthread_cond_wait(&native_, &m.native_); }

    /// False once @p until has passed.
    bool wait_until(mutex& m, std::chrono::steady_clock::time_point until) noexcept {
        using namespace std::chrono;
        auto since = until.time_since_epoch();
        auto whole = floor<seconds>(since);
        ::timespec at{};
        at.tv_sec = static_cast<::time_t>(whole.count());
        at.tv_nsec = static_cast<long>(duration_cast<nanoseconds>(since - whole).count());
        return system::wait_for_condition(native_, m.native_, at) != ETIMEDOUT;
    }

    void notify_one() noexcept { ::pthread_cond_signal(&native_); }
    void notify_all() noexcept { ::pthread_cond_broadcast(&native_); }

private:
    ::pthread_cond_t native_;
};

/// Lets another thread go first, in a wait that is known to be short.
inline void yield_thread() noexcept { ::sched_yield(); }

}  // namespace rill::engine
