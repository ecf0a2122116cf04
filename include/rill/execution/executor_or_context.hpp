// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/execution_context.hpp>
#include <rill/execution/executor.hpp>

#include <concepts>
#include <type_traits>

namespace rill::engine {

/// Something that says where functions run.
template <class T>
concept executor_or_context = execution::executor<T> || std::derived_from<T, execution_context>;

/// An argument of deleted templates: see core/buffer.hpp.
struct executor_needed__pass_one_or_an_execution_context {};

template <class Executor, class... Args>
inline constexpr bool lacks_executor = true;
template <class Executor, class First, class... Rest>
inline constexpr bool lacks_executor<Executor, First, Rest...> =
    !std::convertible_to<const First&, Executor> && !std::derived_from<First, execution_context> && !requires {
    typename First::executor_type;
};

/// Arguments with which no I/O object on an Executor can be made: neither an executor nor a context is in front, nor is
/// it a conversion.
template <class Executor, class... Args>
concept without_executor = lacks_executor<Executor, Args...>;

}  // namespace rill::engine
