// SPDX-License-Identifier: BSL-1.0
#include <token/adapter_matrix_checks.hpp>

TEST_CASE("append around each adapter keeps results and characteristics", "[token][adapter_matrix]") {
    CHECK(token_test::check_row<token_test::appended>() == 11);
}

TEST_CASE("prepend around each adapter keeps results and characteristics", "[token][adapter_matrix]") {
    CHECK(token_test::check_row<token_test::prepended>() == 11);
}

TEST_CASE("consign around each adapter keeps results and characteristics", "[token][adapter_matrix]") {
    CHECK(token_test::check_row<token_test::consigned>() == 11);
}
