// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/disposition.hpp>

#include <exception>

namespace token_test {

/// A user's disposition: 0 is well.
struct verdict {
    int number = 0;
};

struct rejected : std::exception {
    explicit rejected(int n) noexcept : number(n) {}
    int number;
};

}  // namespace token_test

template <>
struct rill::disposition_traits<token_test::verdict> {
    static bool not_an_error(const token_test::verdict& v) noexcept { return v.number == 0; }
    static void throw_exception(const token_test::verdict& v) {
        if (v.number != 0)
            throw token_test::rejected(v.number);
    }
    static std::exception_ptr to_exception_ptr(const token_test::verdict& v) {
        return v.number == 0 ? nullptr : std::make_exception_ptr(token_test::rejected(v.number));
    }
};
