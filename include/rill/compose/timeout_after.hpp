// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/compose/deadline.hpp>
#include <rill/core/cancellation_type.hpp>
#include <rill/io/forward.hpp>
#include <rill/io/wait_traits.hpp>

#include <chrono>
#include <type_traits>
#include <utility>

namespace rill {

template <class Token, class Clock, class WaitTraits = wait_traits<Clock>>
using timeout_after_t = engine::deadline_token<
    Token, engine::own_deadline<Clock, WaitTraits, typename Clock::duration, engine::deadline_error::timed_out>>;
template <class Clock, class WaitTraits = wait_traits<Clock>>
using partial_timeout_after = engine::partial_deadline<
    engine::own_deadline<Clock, WaitTraits, typename Clock::duration, engine::deadline_error::timed_out>>;
template <class Token, class Clock, class WaitTraits, class Executor>
using timeout_after_timer =
    engine::deadline_token<Token, engine::timer_deadline<basic_waitable_timer<Clock, WaitTraits, Executor>,
                                                         typename Clock::duration, engine::deadline_error::timed_out>>;
template <class Clock, class WaitTraits, class Executor>
using partial_timeout_after_timer =
    engine::partial_deadline<engine::timer_deadline<basic_waitable_timer<Clock, WaitTraits, Executor>,
                                                    typename Clock::duration, engine::deadline_error::timed_out>>;

/// cancel_after() whose operation completes with timed_out where it would with operation_aborted, if the deadline has
/// come: `timeout_after(5s, token)`. So a cancellation by the user's slot, cancel() or close() can be told from it.
///
/// Result   the operation's own, with timed_out in an error_code, or as a system_error in an exception_ptr, in front. To
///          be seen there it must not have been taken away: `timeout_after(5s, redirect_error(token, ec))`
template <class Rep, class Period, engine::not_a_cancellation_type Token>
[[nodiscard]] timeout_after_t<std::decay_t<Token>, std::chrono::steady_clock>
timeout_after(const std::chrono::duration<Rep, Period>& timeout, Token&& token) {
    return {{engine::saturated<std::chrono::steady_clock::duration>(timeout), cancellation_type::terminal},
            std::forward<Token>(token)};
}
template <class Rep, class Period, engine::not_a_cancellation_type Token>
[[nodiscard]] timeout_after_t<std::decay_t<Token>, std::chrono::steady_clock>
timeout_after(const std::chrono::duration<Rep, Period>& timeout, cancellation_type type, Token&& token) {
    return {{engine::saturated<std::chrono::steady_clock::duration>(timeout), type}, std::forward<Token>(token)};
}

/// The same for the default token.
template <class Rep, class Period>
[[nodiscard]] partial_timeout_after<std::chrono::steady_clock>
timeout_after(const std::chrono::duration<Rep, Period>& timeout, cancellation_type type = cancellation_type::terminal) {
    return partial_timeout_after<std::chrono::steady_clock>(
        {engine::saturated<std::chrono::steady_clock::duration>(timeout), type});
}

/// The same, with a timer of one's own: see cancel_after().
template <class Clock, class WaitTraits, class Executor, class Rep, class Period, engine::not_a_cancellation_type Token>
[[nodiscard]] timeout_after_timer<std::decay_t<Token>, Clock, WaitTraits, Executor>
timeout_after(basic_waitable_timer<Clock, WaitTraits, Executor>& timer,
              const std::chrono::duration<Rep, Period>& timeout, Token&& token) {
    return {{&timer, engine::saturated<typename Clock::duration>(timeout), cancellation_type::terminal},
            std::forward<Token>(token)};
}
template <class Clock, class WaitTraits, class Executor, class Rep, class Period, engine::not_a_cancellation_type Token>
[[nodiscard]] timeout_after_timer<std::decay_t<Token>, Clock, WaitTraits, Executor>
timeout_after(basic_waitable_timer<Clock, WaitTraits, Executor>& timer,
              const std::chrono::duration<Rep, Period>& timeout, cancellation_type type, Token&& token) {
    return {{&timer, engine::saturated<typename Clock::duration>(timeout), type}, std::forward<Token>(token)};
}
template <class Clock, class WaitTraits, class Executor, class Rep, class Period>
[[nodiscard]] partial_timeout_after_timer<Clock, WaitTraits, Executor>
timeout_after(basic_waitable_timer<Clock, WaitTraits, Executor>& timer,
              const std::chrono::duration<Rep, Period>& timeout, cancellation_type type = cancellation_type::terminal) {
    return partial_timeout_after_timer<Clock, WaitTraits, Executor>(
        {&timer, engine::saturated<typename Clock::duration>(timeout), type});
}

}  // namespace rill
