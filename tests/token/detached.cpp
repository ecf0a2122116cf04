// SPDX-License-Identifier: BSL-1.0
#include <rill/token/detached.hpp>

#include <support/catch.hpp>

#include <token/answer.hpp>

#include <memory>

using token_test::async_answer;
using token_test::async_answer_as;

TEST_CASE("a detached operation completes, and nobody is told", "[token][detached]") {
    rill::io_context ctx;
    STATIC_REQUIRE(std::is_void_v<decltype(async_answer({&ctx}, {}, 1, rill::detached))>);
    async_answer({&ctx}, rill::error::eof, 1, rill::detached);
    async_answer_as<std::unique_ptr<int>>({&ctx}, rill::detached, std::make_unique<int>(1));
    async_answer_as({&ctx}, rill::detached);
    CHECK(ctx.run() == 3);
}

TEST_CASE("detached fits any signatures", "[token][detached]") {
    STATIC_REQUIRE(rill::completion_token_for<rill::detached_t, void()>);
    STATIC_REQUIRE(rill::completion_token_for<const rill::detached_t&, void(int) noexcept>);
    STATIC_REQUIRE(rill::completion_token_for<rill::detached_t, void(int), void(rill::error_code)>);
}
