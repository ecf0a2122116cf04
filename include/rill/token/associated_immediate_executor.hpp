// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/properties.hpp>
#include <rill/token/associated_executor.hpp>

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
/// or else @p Executor, which the library then requires never to block.
template <class T, class Executor>
struct associated_immediate_executor
    : engine::association<engine::immediate_executor_kind, associated_immediate_executor, T, Executor> {};

template <class T, class Executor>
using associated_immediate_executor_t = typename associated_immediate_executor<T, Executor>::type;

template <class T, execution::executor Executor>
auto get_associated_immediate_executor(const T& t, const Executor& candidate) {
    using association = associated_immediate_executor<T, Executor>;
    if constexpr (std::is_same_v<typename associated_immediate_executor<T, engine::no_candidate>::type,
                                 engine::no_candidate>)
        return require(candidate, execution::blocking.never);
    else
        return association::get(t, candidate);
}

}  // namespace rill

namespace rill::engine {

template <class T>
inline constexpr bool has_associated_immediate_executor =
    !std::is_same_v<typename associated_immediate_executor<T, no_candidate>::type, no_candidate>;

}  // namespace rill::engine
