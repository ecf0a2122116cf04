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
using cancel_at_t = engine::deadline_token<Token, engine::own_deadline<Clock, WaitTraits, typename Clock::time_point,
                                                                       engine::deadline_error::operation_aborted>>;
template <class Clock, class WaitTraits = wait_traits<Clock>>
using partial_cancel_at = engine::partial_deadline<
    engine::own_deadline<Clock, WaitTraits, typename Clock::time_point, engine::deadline_error::operation_aborted>>;
template <class Token, class Clock, class WaitTraits, class Executor>
using cancel_at_timer = engine::deadline_token<
    Token, engine::timer_deadline<basic_waitable_timer<Clock, WaitTraits, Executor>, typename Clock::time_point,
                                  engine::deadline_error::operation_aborted>>;
template <class Clock, class WaitTraits, class Executor>
using partial_cancel_at_timer = engine::partial_deadline<
    engine::timer_deadline<basic_waitable_timer<Clock, WaitTraits, Executor>, typename Clock::time_point,
                           engine::deadline_error::operation_aborted>>;

/// Ends the operation if it has not completed at @p expiry, a time of any clock: cancel_after() has the rest.
template <class Clock, class Duration, engine::not_a_cancellation_type Token>
[[nodiscard]] cancel_at_t<std::decay_t<Token>, Clock> cancel_at(const std::chrono::time_point<Clock, Duration>& expiry,
                                                                Token&& token) {
    return {{engine::saturated(expiry), cancellation_type::terminal}, std::forward<Token>(token)};
}
template <class Clock, class Duration, engine::not_a_cancellation_type Token>
[[nodiscard]] cancel_at_t<std::decay_t<Token>, Clock> cancel_at(const std::chrono::time_point<Clock, Duration>& expiry,
                                                                cancellation_type type, Token&& token) {
    return {{engine::saturated(expiry), type}, std::forward<Token>(token)};
}

/// The same for the default token.
template <class Clock, class Duration>
[[nodiscard]] partial_cancel_at<Clock> cancel_at(const std::chrono::time_point<Clock, Duration>& expiry,
                                                 cancellation_type type = cancellation_type::terminal) {
    return partial_cancel_at<Clock>({engine::saturated(expiry), type});
}

/// The same, with a timer of one's own: see cancel_after().
template <class Clock, class WaitTraits, class Executor, class Duration, engine::not_a_cancellation_type Token>
[[nodiscard]] cancel_at_timer<std::decay_t<Token>, Clock, WaitTraits, Executor>
cancel_at(basic_waitable_timer<Clock, WaitTraits, Executor>& timer,
          const std::chrono::time_point<Clock, Duration>& expiry, Token&& token) {
    return {{&timer, engine::saturated(expiry), cancellation_type::terminal}, std::forward<Token>(token)};
}
template <class Clock, class WaitTraits, class Executor, class Duration, engine::not_a_cancellation_type Token>
[[nodiscard]] cancel_at_timer<std::decay_t<Token>, Clock, WaitTraits, Executor>
cancel_at(basic_waitable_timer<Clock, WaitTraits, Executor>& timer,
          const std::chrono::time_point<Clock, Duration>& expiry, cancellation_type type, Token&& token) {
    return {{&timer, engine::saturated(expiry), type}, std::forward<Token>(token)};
}
template <class Clock, class WaitTraits, class Executor, class Duration>
[[nodiscard]] partial_cancel_at_timer<Clock, WaitTraits, Executor>
cancel_at(basic_waitable_timer<Clock, WaitTraits, Executor>& timer,
          const std::chrono::time_point<Clock, Duration>& expiry,
          cancellation_type type = cancellation_type::terminal) {
    return partial_cancel_at_timer<Clock, WaitTraits, Executor>({&timer, engine::saturated(expiry), type});
}

}  // namespace rill
