// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/choice.hpp>

namespace rill::execution {

/// Where an exception goes that a function throws while it runs inside execute().
class inline_exception_handling_t : public engine::choice<inline_exception_handling_t> {
public:
    /// To the caller of execute().
    struct propagate_t : engine::choice_value<inline_exception_handling_t, propagate_t> {};
    /// To the threads that run the context: the caller learns nothing.
    struct capture_t : engine::choice_value<inline_exception_handling_t, capture_t> {};
    /// To std::terminate().
    struct terminate_t : engine::choice_value<inline_exception_handling_t, terminate_t> {};
    static constexpr propagate_t propagate{};
    static constexpr capture_t capture{};
    static constexpr terminate_t terminate{};

    using usual_t = propagate_t;
    template <class Executor>
    using answered = engine::first_answered<Executor, inline_exception_handling_t, propagate_t, capture_t, terminate_t>;

    constexpr inline_exception_handling_t() noexcept = default;
    constexpr inline_exception_handling_t(propagate_t) noexcept : value_(1) {}
    constexpr inline_exception_handling_t(capture_t) noexcept : value_(2) {}
    constexpr inline_exception_handling_t(terminate_t) noexcept : value_(3) {}
    friend constexpr bool operator==(const inline_exception_handling_t& a,
                                     const inline_exception_handling_t& b) noexcept {
        return a.value_ == b.value_;
    }

private:
    int value_ = 0;
};
inline constexpr inline_exception_handling_t inline_exception_handling{};

}  // namespace rill::execution
