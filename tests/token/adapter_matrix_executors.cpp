// SPDX-License-Identifier: BSL-1.0
#include <token/adapter_matrix_checks.hpp>

TEST_CASE("bind_executor around each adapter keeps results and characteristics", "[token][adapter_matrix]") {
    CHECK(token_test::check_row<token_test::on_executor>() == 11);
}

TEST_CASE("bind_immediate_executor around each adapter keeps results and characteristics", "[token][adapter_matrix]") {
    CHECK(token_test::check_row<token_test::on_immediate_executor>() == 11);
}
