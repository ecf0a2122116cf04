// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill::execution {

/// Any function that may be submitted.
struct invocable_archetype {
    void operator()() noexcept {}
};

/// An executor, but for ==.
///
/// execute() is asked for first: asking whether an I/O object can be copied would ask whether it converts to
/// any_io_executor, and so whether it is an executor.
template <class T>
concept function_runner = requires(const T& ex, invocable_archetype f) {
    ex.execute(std::move(f));
}
&&std::is_nothrow_copy_constructible_v<T>;

/// Runs functions: copying it never throws, equal ones are interchangeable, and execute(f) takes a move-only f.
template <class T>
concept executor = function_runner<T> && std::equality_comparable<T>;

template <class T>
struct is_executor : std::bool_constant<executor<T>> {};
template <class T>
inline constexpr bool is_executor_v = executor<T>;

}  // namespace rill::execution

namespace rill {

/// Whether T is an executor: Asio's other name for execution::is_executor.
template <class T>
struct is_executor : std::bool_constant<execution::executor<T>> {};

}  // namespace rill
