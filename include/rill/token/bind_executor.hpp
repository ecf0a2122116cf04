// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/execution_context.hpp>
#include <rill/execution/executor.hpp>
#include <rill/execution/executor_or_context.hpp>
#include <rill/token/binder.hpp>
#include <rill/token/uses_executor.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill {

/// A handler or a token of type T whose associated executor is the given one. A T that uses executors, by uses_executor, is
/// made with executor_arg and it in front.
template <class T, class Executor>
class executor_binder : public engine::bound<executor_binder, T, Executor> {
    using base = engine::bound<executor_binder, T, Executor>;

    template <class U>
    static constexpr bool is_told =
        uses_executor<T, Executor>::value&& std::constructible_from<T, executor_arg_t, const Executor&, U>;

public:
    using executor_type = Executor;

    using engine::bound<executor_binder, T, Executor>::bound;
    template <class U>
        requires(!is_told<U> && std::constructible_from<T, U>)
    executor_binder(const executor_type& ex, U&& target) : base(ex, std::forward<U>(target)) {}
    template <class U>
        requires(is_told<U>)
    executor_binder(const executor_type& ex, U&& target)
        : base(std::in_place, ex, [&] { return T(executor_arg, ex, std::forward<U>(target)); }) {}
    template <class U>
    executor_binder(executor_arg_t, const executor_type& ex, U&& target)
        : executor_binder(ex, std::forward<U>(target)) {}

    executor_type get_executor() const noexcept { return this->value(); }
};

template <class T, class Executor>
struct uses_executor<executor_binder<T, Executor>, Executor> : std::true_type {};

template <class Executor>
using partial_executor_binder = engine::partial_binder<executor_binder, Executor>;

/// Makes the handler run on @p ex.
template <execution::executor Executor, class T>
[[nodiscard]] executor_binder<std::decay_t<T>, Executor> bind_executor(const Executor& ex, T&& target) {
    return {ex, std::forward<T>(target)};
}
template <std::derived_from<execution_context> Context, class T>
[[nodiscard]] auto bind_executor(Context& context, T&& target) {
    return bind_executor(typename Context::executor_type(context.get_executor()), std::forward<T>(target));
}

/// Not to what is neither an executor nor a context: the arguments of the template say so.
template <class NotExecutor, class... Token, class Mistake = engine::executor_needed__pass_one_or_an_execution_context>
    requires(!engine::executor_or_context<NotExecutor>)
void bind_executor(const NotExecutor&, Token&&...) = delete;

/// The same for the default token.
template <execution::executor Executor>
[[nodiscard]] partial_executor_binder<Executor> bind_executor(const Executor& ex) {
    return partial_executor_binder<Executor>(ex);
}
template <std::derived_from<execution_context> Context>
[[nodiscard]] auto bind_executor(Context& context) {
    return bind_executor(typename Context::executor_type(context.get_executor()));
}

}  // namespace rill
