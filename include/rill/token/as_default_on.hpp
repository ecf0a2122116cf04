// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// The base of tokens that can be made the default one of an I/O object: those that can be made of nothing.
///
///   using socket = use_awaitable_t<>::as_default_on_t<tcp::socket>;
///   auto timer = as_tuple(use_awaitable).as_default_on(steady_timer(context));
template <class Token>
struct default_token {
    /// An executor that names the token as the default one.
    template <class InnerExecutor>
    struct executor_with_default : InnerExecutor {
        using default_completion_token_type = Token;

        executor_with_default() = default;
        template <class Executor>
            requires(!std::same_as<Executor, executor_with_default> && std::convertible_to<Executor, InnerExecutor>)
        executor_with_default(const Executor& ex)
        noexcept(std::is_nothrow_constructible_v<InnerExecutor, const Executor&>) : InnerExecutor(ex) {}
    };

    /// The I/O object T on such an executor.
    template <class T>
    using as_default_on_t =
        typename T::template rebind_executor<executor_with_default<typename T::executor_type>>::other;

    /// Converts an I/O object to that.
    template <class T>
    [[nodiscard]] static as_default_on_t<std::decay_t<T>> as_default_on(T&& object) {
        return as_default_on_t<std::decay_t<T>>(std::forward<T>(object));
    }
};

}  // namespace rill::engine
