// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/properties.hpp>
#include <rill/token/associated_executor.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill::engine {

struct immediate_executor_kind {
    template <class T>
    using of = typename T::immediate_executor_type;
    template <class T>
    static decltype(auto) get(const T& t) noexcept {
        return t.get_immediate_executor();
    }
};

}  // namespace rill::engine

namespace rill {

/// The executor of a completion that needs no waiting: T's member immediate_executor_type and get_immediate_executor(),
/// or else @p Executor, required never to block.
template <class T, class Executor>
struct associated_immediate_executor
    : engine::association<engine::immediate_executor_kind, associated_immediate_executor, T, Executor> {};

}  // namespace rill

namespace rill::engine {

template <class T>
inline constexpr bool has_associated_immediate_executor =
    !std::is_same_v<typename associated_immediate_executor<T, no_candidate>::type, no_candidate>;

}  // namespace rill::engine

namespace rill {

template <class T, execution::executor Executor>
    requires(!engine::has_associated_immediate_executor<T>)
struct associated_immediate_executor<T, Executor> {
    using type = std::decay_t<decltype(require(std::declval<const Executor&>(), execution::blocking.never))>;
    static type get(const T&, const Executor& candidate) { return require(candidate, execution::blocking.never); }
};

template <class T, class Executor>
using associated_immediate_executor_t = typename associated_immediate_executor<T, Executor>::type;

template <class T, execution::executor Executor>
associated_immediate_executor_t<T, Executor> get_associated_immediate_executor(const T& t, const Executor& candidate) {
    return associated_immediate_executor<T, Executor>::get(t, candidate);
}
template <class T, std::derived_from<execution_context> Context>
auto get_associated_immediate_executor(const T& t, Context& context) {
    return get_associated_immediate_executor(t, typename Context::executor_type(context.get_executor()));
}

}  // namespace rill
