// SPDX-License-Identifier: BSL-1.0
#include <token/adapter_matrix_checks.hpp>

TEST_CASE("redirect_error around each adapter keeps results and characteristics", "[token][adapter_matrix]") {
    CHECK(token_test::check_row<token_test::error_redirected>() == 11);
}

TEST_CASE("redirect_disposition around each adapter keeps results and characteristics", "[token][adapter_matrix]") {
    CHECK(token_test::check_row<token_test::disposition_redirected>() == 11);
}
