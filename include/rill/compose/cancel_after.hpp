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
using cancel_after_t = engine::deadline_token<Token, engine::own_deadline<Clock, WaitTraits, typename Clock::duration,
                                                                          engine::deadline_error::operation_aborted>>;
template <class Clock, class WaitTraits = wait_traits<Clock>>
using partial_cancel_after = engine::partial_deadline<
    engine::own_deadline<Clock, WaitTraits, typename Clock::duration, engine::deadline_error::operation_aborted>>;
template <class Token, class Clock, class WaitTraits, class Executor>
using cancel_after_timer =
    engine::deadline_token<Token,
                           engine::timer_deadline<basic_waitable_timer<Clock, WaitTraits, Executor>,
                                                  typename Clock::duration, engine::deadline_error::operation_aborted>>;
template <class Clock, class WaitTraits, class Executor>
using partial_cancel_after_timer = engine::partial_deadline<
    engine::timer_deadline<basic_waitable_timer<Clock, WaitTraits, Executor>, typename Clock::duration,
                           engine::deadline_error::operation_aborted>>;

/// Ends the operation if it has not completed @p timeout after its start: `cancel_after(5s, token)`, or
/// `co_await socket.async_read_some(b, cancel_after(5s))` with the default token. It is cancelled as by a slot, and
/// completes with what it then says, most often operation_aborted; timeout_after() tells the two apart.
///
/// Data     @p type: what the operation must be able to live with, such as partial for async_read(). Nothing is
///          allocated besides the block that is used again for each operation
/// Result   the operation's own. What has completed before it was cancelled is a success, however late
/// Cancels  what the operation does: the token's own slot goes on working, with its types
/// Throws   operation_not_supported: the operation's context does not run a loop
template <class Rep, class Period, engine::not_a_cancellation_type Token>
[[nodiscard]] cancel_after_t<std::decay_t<Token>, std::chrono::steady_clock>
cancel_after(const std::chrono::duration<Rep, Period>& timeout, Token&& token) {
    return {{engine::saturated<std::chrono::steady_clock::duration>(timeout), cancellation_type::terminal},
            std::forward<Token>(token)};
}
template <class Rep, class Period, engine::not_a_cancellation_type Token>
[[nodiscard]] cancel_after_t<std::decay_t<Token>, std::chrono::steady_clock>
cancel_after(const std::chrono::duration<Rep, Period>& timeout, cancellation_type type, Token&& token) {
    return {{engine::saturated<std::chrono::steady_clock::duration>(timeout), type}, std::forward<Token>(token)};
}

/// The same for the default token.
template <class Rep, class Period>
[[nodiscard]] partial_cancel_after<std::chrono::steady_clock>
cancel_after(const std::chrono::duration<Rep, Period>& timeout, cancellation_type type = cancellation_type::terminal) {
    return partial_cancel_after<std::chrono::steady_clock>(
        {engine::saturated<std::chrono::steady_clock::duration>(timeout), type});
}

/// The same, with a timer of one's own: its expiry is set, its other waits end. Cancelling it, setting it anew and
/// destroying it lift the deadline.
///
/// Data     @p timer lives until the operation is started; it may belong to another context
template <class Clock, class WaitTraits, class Executor, class Rep, class Period, engine::not_a_cancellation_type Token>
[[nodiscard]] cancel_after_timer<std::decay_t<Token>, Clock, WaitTraits, Executor>
cancel_after(basic_waitable_timer<Clock, WaitTraits, Executor>& timer,
             const std::chrono::duration<Rep, Period>& timeout, Token&& token) {
    return {{&timer, engine::saturated<typename Clock::duration>(timeout), cancellation_type::terminal},
            std::forward<Token>(token)};
}
template <class Clock, class WaitTraits, class Executor, class Rep, class Period, engine::not_a_cancellation_type Token>
[[nodiscard]] cancel_after_timer<std::decay_t<Token>, Clock, WaitTraits, Executor>
cancel_after(basic_waitable_timer<Clock, WaitTraits, Executor>& timer,
             const std::chrono::duration<Rep, Period>& timeout, cancellation_type type, Token&& token) {
    return {{&timer, engine::saturated<typename Clock::duration>(timeout), type}, std::forward<Token>(token)};
}
template <class Clock, class WaitTraits, class Executor, class Rep, class Period>
[[nodiscard]] partial_cancel_after_timer<Clock, WaitTraits, Executor>
cancel_after(basic_waitable_timer<Clock, WaitTraits, Executor>& timer,
             const std::chrono::duration<Rep, Period>& timeout, cancellation_type type = cancellation_type::terminal) {
    return partial_cancel_after_timer<Clock, WaitTraits, Executor>(
        {&timer, engine::saturated<typename Clock::duration>(timeout), type});
}

}  // namespace rill
