// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/compose/timed_operation.hpp>
#include <rill/context/loop_of.hpp>
#include <rill/core/cancellation_type.hpp>
#include <rill/io/clock_wait.hpp>
#include <rill/io/forward.hpp>
#include <rill/io/timer_handle.hpp>
#include <rill/token/adapter.hpp>
#include <rill/token/async_result.hpp>
#include <rill/token/partial_token.hpp>

#include <chrono>
#include <concepts>
#include <type_traits>
#include <utility>

// What cancel_after(), cancel_at(), timeout_after() and timeout_at() have in common.

namespace rill::engine {

/// What an operation that its deadline has ended completes with: what it says itself, which is operation_aborted; or
/// timed_out in its place.
enum class deadline_error { operation_aborted, timed_out };

/// A deadline @p When: a Clock::duration from the start of the operation, or a Clock::time_point.
template <class Clock, class WaitTraits, class When, deadline_error Error>
struct own_deadline {
    using clock = Clock;
    using wait = clock_wait<Clock, WaitTraits>;
    static constexpr bool reports_timed_out = Error == deadline_error::timed_out;

    When when;
    cancellation_type type;

    template <class Executor>
    deadline_setting<Clock> set(const Executor& ex) const {
        loop& l = loop_of(query(ex, execution::context));
        if constexpr (std::same_as<When, typename Clock::time_point>)
            return {l, when, nullptr};
        else
            return {l, wait::after(l, when), nullptr};
    }
};

/// The same, for which a timer object waits: on its context, until someone cancels it or sets its expiry again.
template <class Timer, class When, deadline_error Error>
struct timer_deadline {
    using clock = typename Timer::clock_type;
    using wait = clock_wait<clock, typename Timer::traits_type>;
    static constexpr bool reports_timed_out = Error == deadline_error::timed_out;

    Timer* timer;
    When when;
    cancellation_type type;

    template <class Executor>
    deadline_setting<clock> set(const Executor&) const {
        if constexpr (std::same_as<When, typename clock::time_point>)
            timer->expires_at(when);
        else
            timer->expires_after(when);
        timer_handle& handle = timer_access::handle_of(*timer);
        return {handle.get_loop(), timer->expiry(), &handle};
    }
};

/// A token whose operation has a deadline.
template <class Token, class Deadline>
class deadline_token : public adapter<Token> {
public:
    template <class T>
    deadline_token(const Deadline& d, T&& token)
        : adapter<Token>(std::in_place, std::forward<T>(token)), deadline_(d) {}

    const Deadline& deadline() const noexcept { return deadline_; }

private:
    Deadline deadline_;
};

/// A deadline for the default token.
template <class Deadline>
class partial_deadline : public partial_token {
public:
    explicit partial_deadline(const Deadline& d) noexcept : deadline_(d) {}

    template <class Token>
    [[nodiscard]] deadline_token<std::decay_t<Token>, Deadline> operator()(Token&& token) const {
        return {deadline_, std::forward<Token>(token)};
    }

private:
    Deadline deadline_;
};

/// @p d, or the longest or shortest that there is, and not shorter than it says.
template <class Duration, class Rep, class Period>
constexpr Duration saturated(const std::chrono::duration<Rep, Period>& d) {
    using real = std::chrono::duration<double, typename Duration::period>;
    if (real(d) >= real((Duration::max)()))
        return (Duration::max)();
    if (real(d) <= real((Duration::min)()))
        return (Duration::min)();
    return std::chrono::ceil<Duration>(d);
}

template <class Clock, class Duration>
constexpr typename Clock::time_point saturated(const std::chrono::time_point<Clock, Duration>& t) {
    return typename Clock::time_point(saturated<typename Clock::duration>(t.time_since_epoch()));
}

/// A token, as opposed to the type of cancellation that may stand in front of it.
template <class T>
concept not_a_cancellation_type = !std::same_as<std::decay_t<T>, cancellation_type>;

}  // namespace rill::engine

namespace rill {

template <class Token, class Deadline, class... Signatures>
class async_result<engine::deadline_token<Token, Deadline>, Signatures...> {
public:
    template <class Initiation, class T, class... Args>
        requires(completion_token_for<engine::target_token<T>, Signatures...>)
    static decltype(auto) initiate(Initiation&& initiation, T&& token, Args&&... args) {
        using timed = engine::timed_initiation<std::decay_t<Initiation>, Deadline, Signatures...>;
        return async_initiate<engine::target_token<T>, Signatures...>(
            timed{{std::forward<Initiation>(initiation), token.deadline()}}, std::forward<T>(token).get(),
            std::forward<Args>(args)...);
    }
};

}  // namespace rill
