// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/executor.hpp>
#include <rill/token/binder.hpp>

#include <type_traits>
#include <utility>

namespace rill {

/// A handler or a token of type T whose associated immediate executor is the given one.
template <class T, class Executor>
class immediate_executor_binder : public engine::bound<immediate_executor_binder, T, Executor> {
public:
    using immediate_executor_type = Executor;

    using engine::bound<immediate_executor_binder, T, Executor>::bound;

    immediate_executor_type get_immediate_executor() const noexcept { return this->value(); }
};

template <class Executor>
using partial_immediate_executor_binder = engine::partial_binder<immediate_executor_binder, Executor>;

/// Makes the handler run on @p ex, as `dispatch` would, when the operation is done at once.
template <execution::executor Executor, class T>
[[nodiscard]] immediate_executor_binder<std::decay_t<T>, Executor> bind_immediate_executor(const Executor& ex,
                                                                                           T&& target) {
    return {ex, std::forward<T>(target)};
}

/// The same for the default token.
template <execution::executor Executor>
[[nodiscard]] partial_immediate_executor_binder<Executor> bind_immediate_executor(const Executor& ex) {
    return partial_immediate_executor_binder<Executor>(ex);
}

}  // namespace rill
