// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>

namespace rill::engine {

/// As much as one step of a long transfer moves, so that other operations have their turn.
inline constexpr std::size_t most_bytes_per_step = 1024 * 1024;

}  // namespace rill::engine

namespace rill {

/// Says, after each step of a read or write, whether it goes on. Called with the step's error and the bytes moved so
/// far, and once before the first step, it returns how many bytes the next step may move: 0 means done. One that
/// returns bool says whether it is done.
template <class T>
concept completion_condition = std::invocable<T&, const error_code&, std::size_t> &&
    (std::same_as<std::invoke_result_t<T&, const error_code&, std::size_t>, std::size_t> ||
     std::same_as<std::invoke_result_t<T&, const error_code&, std::size_t>, bool>);

}  // namespace rill

namespace rill::engine {

/// How many bytes the next step may move.
template <completion_condition Condition>
std::size_t bytes_of_next_step(Condition& condition, const error_code& ec, std::size_t transferred) {
    auto answer = condition(ec, transferred);
    if constexpr (std::same_as<decltype(answer), bool>)
        return answer ? 0 : most_bytes_per_step;
    else
        return answer;
}

struct transfer_all_condition {
    std::size_t operator()(const error_code& ec, std::size_t) const noexcept { return ec ? 0 : most_bytes_per_step; }
};

struct transfer_at_least_condition {
    std::size_t minimum;

    std::size_t operator()(const error_code& ec, std::size_t transferred) const noexcept {
        return !ec && transferred < minimum ? most_bytes_per_step : 0;
    }
};

struct transfer_exactly_condition {
    std::size_t size;

    std::size_t operator()(const error_code& ec, std::size_t transferred) const noexcept {
        if (ec || transferred >= size)
            return 0;
        const std::size_t rest = size - transferred;
        return rest < most_bytes_per_step ? rest : most_bytes_per_step;
    }
};

}  // namespace rill::engine

namespace rill {

/// Goes on until the buffers are used up or an error occurs.
constexpr auto transfer_all() noexcept { return engine::transfer_all_condition(); }

/// Goes on until @p minimum bytes or more have been moved or an error occurs.
constexpr auto transfer_at_least(std::size_t minimum) noexcept { return engine::transfer_at_least_condition{minimum}; }

/// Goes on until @p size bytes, and not one more, have been moved or an error occurs.
constexpr auto transfer_exactly(std::size_t size) noexcept { return engine::transfer_exactly_condition{size}; }

}  // namespace rill
