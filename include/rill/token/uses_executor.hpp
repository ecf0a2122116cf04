// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>

namespace rill {

/// Says that the next argument of a constructor is an executor.
struct executor_arg_t {
    constexpr executor_arg_t() noexcept = default;
};
inline constexpr executor_arg_t executor_arg{};

/// Whether T is made with executor_arg, and an executor of type @p Executor behind it. Specialised by users.
template <class T, class Executor>
struct uses_executor : std::false_type {};

}  // namespace rill
