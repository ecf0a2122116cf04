// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/io/forward.hpp>

namespace rill {

/// How long to sleep before looking at @p Clock again. To be specialised, or replaced, for clocks that run at another
/// speed than the steady clock.
template <class Clock>
struct wait_traits {
    static typename Clock::duration to_wait_duration(const typename Clock::duration& d) { return d; }
    static typename Clock::duration to_wait_duration(const typename Clock::time_point& t) {
        typename Clock::time_point now = Clock::now();
        if (t <= now)
            return Clock::duration::zero();
        // A point before the epoch and one far after it may be further apart than a duration can tell.
        constexpr auto longest = (Clock::duration::max)();
        if (now.time_since_epoch() < Clock::duration::zero() && t.time_since_epoch() > longest + now.time_since_epoch())
            return longest;
        return t - now;
    }
};

}  // namespace rill
