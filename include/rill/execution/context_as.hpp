// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/properties.hpp>

#include <concepts>

namespace rill::execution {

/// The execution context that the executor belongs to, as a T: for any_executor, which has to name a type.
template <class T>
struct context_as_t {
    template <class U>
    static constexpr bool is_applicable_property_v = function_runner<U>;
    static constexpr bool is_requirable = false;
    static constexpr bool is_preferable = false;
    using polymorphic_query_result_type = T;

    constexpr context_as_t() noexcept = default;
    constexpr context_as_t(context_t) noexcept {}

    template <class Executor>
        requires queryable_for<Executor, context_t> && std::convertible_to<query_result_t<Executor, context_t>, T>
    friend constexpr T query(const Executor& ex,
                             const context_as_t&) noexcept(is_nothrow_query_v<Executor, context_t>) {
        return query(ex, context_t());
    }
};
template <class T>
inline constexpr context_as_t<T> context_as{};

}  // namespace rill::execution
