// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/choice.hpp>

namespace rill::execution {

/// What the executor runs functions on.
class mapping_t : public engine::choice<mapping_t> {
public:
    /// The threads of its context.
    struct thread_t : engine::choice_value<mapping_t, thread_t> {};
    /// A new thread for each function.
    struct new_thread_t : engine::choice_value<mapping_t, new_thread_t> {};
    /// Something else.
    struct other_t : engine::choice_value<mapping_t, other_t> {};
    static constexpr thread_t thread{};
    static constexpr new_thread_t new_thread{};
    static constexpr other_t other{};

    using usual_t = thread_t;
    template <class Executor>
    using answered = engine::first_answered<Executor, mapping_t, thread_t, new_thread_t, other_t>;

    constexpr mapping_t() noexcept = default;
    constexpr mapping_t(thread_t) noexcept : value_(1) {}
    constexpr mapping_t(new_thread_t) noexcept : value_(2) {}
    constexpr mapping_t(other_t) noexcept : value_(3) {}
    friend constexpr bool operator==(const mapping_t& a, const mapping_t& b) noexcept { return a.value_ == b.value_; }

private:
    int value_ = 0;
};
inline constexpr mapping_t mapping{};

}  // namespace rill::execution
