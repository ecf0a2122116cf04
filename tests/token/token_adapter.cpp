// SPDX-License-Identifier: BSL-1.0
#include <rill/token/token_adapter.hpp>

#include <support/catch.hpp>

#include <token/adapter_matrix.hpp>

#include <tuple>

using namespace token_test;

// adapter_matrix_*.cpp put each adapter into each other.

TEST_CASE("what lies in the middle of three adapters is found", "[token][token_adapter]") {
    surroundings s;
    characteristics found;
    int colour = 0;
    int got = 0;
    auto handler = [&got](std::tuple<int, std::unique_ptr<int>> t) { got = std::get<0>(t); };
    async_at_once({&s.context, &found, &colour},
                  rill::redirect_error(
                      rill::bind_allocator(numbered_allocator<void>(7), rill::as_tuple(std::move(handler))), s.ec));
    CHECK(got == 20);
    CHECK(found.allocator == 7);
}

TEST_CASE("an adapted initiation runs where the initiation does", "[token][token_adapter]") {
    surroundings s;
    characteristics found;
    int colour = 0;
    struct adapt {};
    const rill::engine::adapted_initiation<initiate_at_once, adapt> adapted{{{&s.context, &found, &colour}, {}}};
    CHECK(adapted.get_executor() == s.context.get_executor());
    CHECK(rill::get_associated_executor(adapted) == s.context.get_executor());

    auto homeless = [](auto&&) {};
    STATIC_REQUIRE(!rill::engine::has_associated_executor<rill::engine::adapted_initiation<decltype(homeless), adapt>>);
}

TEST_CASE("adapters have no characteristic that their target does not have", "[token][token_adapter]") {
    // associated_colour has no default: asking an adapter for it is no error, but the answer is no.
    STATIC_REQUIRE(!has_colour<rill::as_tuple_t<plain_handler>>);
    STATIC_REQUIRE(has_colour<rill::as_tuple_t<rich_handler>>);
}
