// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/request/timer_request.hpp>
#include <rill/engine/scheduler/loop.hpp>
#include <rill/io/wait_traits.hpp>

#include <chrono>
#include <concepts>
#include <tuple>
#include <type_traits>

namespace rill::engine {

/// A wait for a point in time of any clock, by the loop's steady one.
template <class Clock, class WaitTraits>
struct clock_wait : timer_request {
    using duration = typename Clock::duration;
    using time_point = typename Clock::time_point;

    clock_wait(function f, const loop& l, const time_point& t) : timer_request(f, engine::time_point()), expiry(t) {
        if constexpr (steady) {
            due = t;
        } else {
            look_again = [](const timer_request& self, engine::time_point now) {
                return now + until_look(static_cast<const clock_wait&>(self).expiry);
            };
            due = look_again(*this, l.now());
        }
    }

    std::tuple<error_code> result() const noexcept { return {ec}; }

    /// The time that is @p from_now, or the last or first one that the clock has.
    static time_point after(const loop& l, const duration& from_now) {
        time_point from = now(l);
        if (from_now > duration::zero() && from > (time_point::max)() - from_now)
            return (time_point::max)();
        if (from_now < duration::zero() && from < (time_point::min)() - from_now)
            return (time_point::min)();
        return from + from_now;
    }

    // How long to wait before looking at the clock: 0 once it has reached @p expiry, else what the traits say, which is
    // no more than advice. Clocks that can be set are looked at at least every second.
    static std::chrono::nanoseconds until_look(const time_point& expiry) {
        if (expiry <= Clock::now())
            return std::chrono::nanoseconds(0);
        constexpr std::chrono::seconds longest(1);
        const duration d = WaitTraits::to_wait_duration(expiry);
        if (std::chrono::duration<double>(d) >= longest)  // an integer of hours might not fit one of seconds
            return longest;
        return d <= duration::zero() ? std::chrono::nanoseconds(1) : std::chrono::ceil<std::chrono::nanoseconds>(d);
    }

private:
    // Only of this clock does the loop's own time say when the expiry is.
    static constexpr bool steady =
        std::same_as<Clock, std::chrono::steady_clock> && std::same_as<WaitTraits, wait_traits<Clock>>;

    static time_point now(const loop& l) {
        if constexpr (steady)
            return l.now();
        else
            return Clock::now();
    }

    struct same_as_due {
        explicit same_as_due(const time_point&) noexcept {}
    };
    RILL_NO_UNIQUE_ADDRESS std::conditional_t<steady, same_as_due, time_point> expiry;
};

}  // namespace rill::engine
