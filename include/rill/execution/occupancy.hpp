// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/executor.hpp>
#include <rill/execution/property.hpp>

#include <cstddef>

namespace rill::execution {

/// How many functions the executor's context is able to run at the same time.
struct occupancy_t {
    template <class T>
    static constexpr bool is_applicable_property_v = function_runner<T>;
    static constexpr bool is_requirable = false;
    static constexpr bool is_preferable = false;
    using polymorphic_query_result_type = std::size_t;

    template <class Executor, class Asked = occupancy_t>
        requires engine::has_constant_query<Executor, Asked>
    static constexpr std::size_t static_query_v = Executor::query(Asked());
};
inline constexpr occupancy_t occupancy{};

}  // namespace rill::execution
