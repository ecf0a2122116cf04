// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/forward.hpp>
#include <rill/execution/execution_context.hpp>
#include <rill/execution/executor.hpp>
#include <rill/token/associator.hpp>

namespace rill::engine {

struct executor_kind {
    template <class T>
    using of = typename T::executor_type;
    template <class T>
    static decltype(auto) get(const T& t) noexcept {
        return t.get_executor();
    }
};

}  // namespace rill::engine

namespace rill {

/// The executor on which handlers of type T run: T's member executor_type and get_executor(), or else @p Executor.
template <class T, class Executor = system_executor>
struct associated_executor : engine::association<engine::executor_kind, associated_executor, T, Executor> {};

template <class T, class Executor = system_executor>
using associated_executor_t = typename associated_executor<T, Executor>::type;

template <class T>
decltype(auto) get_associated_executor(const T& t) noexcept {
    return associated_executor<T>::get(t);
}
template <class T, execution::executor Executor>
decltype(auto) get_associated_executor(const T& t, const Executor& candidate) noexcept {
    return associated_executor<T, Executor>::get(t, candidate);
}
template <class T, std::derived_from<execution_context> Context>
auto get_associated_executor(const T& t, Context& context) noexcept {
    return associated_executor<T, typename Context::executor_type>::get(t, context.get_executor());
}

}  // namespace rill

namespace rill::engine {

/// Whether T says itself where it runs.
template <class T>
inline constexpr bool has_associated_executor =
    !std::is_same_v<typename associated_executor<T, no_candidate>::type, no_candidate>;

}  // namespace rill::engine
