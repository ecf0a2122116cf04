// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <pthread.h>
#include <time.h>

// How a condition variable waits by the steady clock.
namespace rill::engine::system {

/// Source  POSIX.1-2024 pthread_condattr_setclock(), which macOS lacks
inline void make_condition(::pthread_cond_t& c) noexcept {
    ::pthread_condattr_t attributes;
    ::pthread_condattr_init(&attributes);
    ::pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    ::pthread_cond_init(&c, &attributes);
    ::pthread_condattr_destroy(&attributes);
}

/// @p until: of the steady clock, since its epoch. ETIMEDOUT once that has passed.
inline int wait_for_condition(::pthread_cond_t& c, ::pthread_mutex_t& m, const ::timespec& until) noexcept {
    return ::pthread_cond_timedwait(&c, &m, &until);
}

}  // namespace rill::engine::system
