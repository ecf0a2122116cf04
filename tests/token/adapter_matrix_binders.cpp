// SPDX-License-Identifier: BSL-1.0
#include <token/adapter_matrix_checks.hpp>

TEST_CASE("bind_allocator around each adapter keeps results and characteristics", "[token][adapter_matrix]") {
    CHECK(token_test::check_row<token_test::with_allocator>() == 11);
}

TEST_CASE("bind_cancellation_slot around each adapter keeps results and characteristics", "[token][adapter_matrix]") {
    CHECK(token_test::check_row<token_test::with_slot>() == 11);
}
