// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

namespace rill::engine {

/// An error_code in two words: without the place in the source that Boost's may carry in a third.
class small_error {
public:
    small_error() noexcept = default;
    small_error(const error_code& ec) noexcept : category_(ec ? &ec.category() : nullptr), value_(ec.value()) {}

    explicit operator bool() const noexcept { return category_ != nullptr; }
    RILL_INLINE operator error_code() const noexcept {
        return category_ ? error_code(value_, *category_) : error_code();
    }

    friend bool operator==(const small_error& a, const error_code& b) noexcept { return error_code(a) == b; }

private:
    const error_category* category_ = nullptr;  // null: no error
    int value_ = 0;
};

}  // namespace rill::engine
