// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cerrno>
#include <chrono>
#include <pthread.h>
#include <time.h>

// How a condition variable waits by the steady clock.
namespace rill::engine::system {

inline void make_condition(::pthread_cond_t& c) noexcept { ::pthread_cond_init(&c, nullptr); }

/// @p until: of the steady clock, since its epoch. ETIMEDOUT once that has passed. There is no
/// pthread_condattr_setclock(), but a call that takes the time from now.
inline int wait_for_condition(::pthread_cond_t& c, ::pthread_mutex_t& m, const ::timespec& until) noexcept {
    using namespace std::chrono;
    const nanoseconds at = seconds(until.tv_sec) + nanoseconds(until.tv_nsec);
    const nanoseconds left = at - steady_clock::now().time_since_epoch();
    if (left.count() <= 0)
        return ETIMEDOUT;
    ::timespec relative{};
    relative.tv_sec = static_cast<::time_t>(left.count() / 1'000'000'000);
    relative.tv_nsec = static_cast<long>(left.count() % 1'000'000'000);
    return ::pthread_cond_timedwait_relative_np(&c, &m, &relative);
}

}  // namespace rill::engine::system
