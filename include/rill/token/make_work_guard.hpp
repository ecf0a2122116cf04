// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/executor_work_guard.hpp>
#include <rill/context/system_executor.hpp>
#include <rill/token/associated_executor.hpp>

#include <concepts>

// make_work_guard() for what has an executor: an I/O object, a handler. For executors and contexts themselves it stands
// beside the guard.

namespace rill {

/// A guard of the executor associated with @p t; of system_executor if there is none.
template <class T>
    requires(!execution::executor<T> && !std::derived_from<T, execution_context>)
[[nodiscard]] auto make_work_guard(const T& t) {
    return executor_work_guard<associated_executor_t<T>>(get_associated_executor(t));
}

/// The same; of @p ex if there is none.
template <class T, execution::executor Executor>
[[nodiscard]] auto make_work_guard(const T& t, const Executor& ex) {
    return executor_work_guard<associated_executor_t<T, Executor>>(get_associated_executor(t, ex));
}

/// The same; of @p context's executor if there is none.
template <class T, std::derived_from<execution_context> Context>
[[nodiscard]] auto make_work_guard(const T& t, Context& context) {
    return make_work_guard(t, typename Context::executor_type(context.get_executor()));
}

}  // namespace rill
