// SPDX-License-Identifier: BSL-1.0
#include <token/adapter_matrix_checks.hpp>

TEST_CASE("as_tuple around each adapter keeps results and characteristics", "[token][adapter_matrix]") {
    CHECK(token_test::check_row<token_test::tupled>() == 11);
}

TEST_CASE("as_single around each adapter keeps results and characteristics", "[token][adapter_matrix]") {
    CHECK(token_test::check_row<token_test::single>() == 11);
}
