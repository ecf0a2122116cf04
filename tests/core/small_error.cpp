// SPDX-License-Identifier: BSL-1.0
#include <rill/core/small_error.hpp>

#include <support/catch.hpp>

using rill::error_code;
using rill::engine::small_error;
namespace error = rill::error;

TEST_CASE("a small error gives back the error that it was made of", "[core][small_error]") {
    for (const error_code& ec : {error_code(error::eof), error_code(error::operation_aborted),
                                 error_code(error::host_not_found), error_code(12345, error::get_misc_category())}) {
        const small_error small(ec);
        const error_code back = small;
        CHECK(static_cast<bool>(small));
        CHECK(small == ec);
        CHECK(back == ec);
        CHECK(&back.category() == &ec.category());
    }
}

TEST_CASE("a small error that is none gives no error", "[core][small_error]") {
    CHECK_FALSE(small_error());
    CHECK_FALSE(small_error(error_code()));
    CHECK_FALSE(error_code(small_error(error_code())));
    CHECK_FALSE(small_error(error_code(0, error::get_misc_category())));
    CHECK(sizeof(small_error) <= sizeof(error_code));
}
