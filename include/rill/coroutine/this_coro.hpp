// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/cancellation_state.hpp>

#include <tuple>
#include <utility>

/// What a coroutine awaits to learn of, or change, the thread of control that it belongs to. None of them suspends.
namespace rill::this_coro {

struct executor_t {
    constexpr executor_t() noexcept = default;
};
/// `co_await this_coro::executor` gives the executor.
inline constexpr executor_t executor{};

struct cancellation_state_t {
    constexpr cancellation_state_t() noexcept = default;
};
/// `co_await this_coro::cancellation_state` gives the cancellation_state.
inline constexpr cancellation_state_t cancellation_state{};

template <class... Filters>
struct reset_cancellation_state_t {
    std::tuple<Filters...> filters;
};
/// `co_await this_coro::reset_cancellation_state(filters...)` forgets what has come in, and filters anew: terminal
/// cancellation only, one filter for what comes in and what goes on, or one for each.
inline auto reset_cancellation_state() { return reset_cancellation_state_t<>{}; }
template <class Filter>
auto reset_cancellation_state(Filter filter) {
    return reset_cancellation_state_t<Filter>{{std::move(filter)}};
}
template <class InFilter, class OutFilter>
auto reset_cancellation_state(InFilter in, OutFilter out) {
    return reset_cancellation_state_t<InFilter, OutFilter>{{std::move(in), std::move(out)}};
}

struct get_throw_if_cancelled_t {};
struct set_throw_if_cancelled_t {
    bool value;
};
/// `co_await this_coro::throw_if_cancelled()` tells whether awaiting throws operation_aborted once the thread has been
/// cancelled, as it does from the start; with an argument it says so.
inline get_throw_if_cancelled_t throw_if_cancelled() noexcept { return {}; }
inline set_throw_if_cancelled_t throw_if_cancelled(bool value) noexcept { return {value}; }

}  // namespace rill::this_coro
