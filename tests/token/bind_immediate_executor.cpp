// SPDX-License-Identifier: BSL-1.0
#include <rill/token/bind_immediate_executor.hpp>

#include <support/catch.hpp>

#include <rill/token/bind_executor.hpp>
#include <rill/token/detached.hpp>

#include <token/answer.hpp>

#include <memory>
#include <type_traits>

using rill::error_code;
using token_test::async_answer;
using token_test::characteristics;
using token_test::numbered_executor;

TEST_CASE("an operation finds the immediate executor of a bound handler", "[token][bind_immediate_executor]") {
    rill::io_context ctx;
    characteristics found;
    std::size_t got = 0;
    auto handler = [&got, own = std::make_unique<int>()](error_code, std::size_t n) { got = n; };
    async_answer({&ctx, &found}, {}, 3, rill::bind_immediate_executor(numbered_executor{&ctx, 1}, std::move(handler)));
    ctx.run();
    CHECK(found == characteristics{0, 0, 1, false, {}});
    CHECK(got == 3);
}

TEST_CASE("a bound immediate executor is taken as it is", "[token][bind_immediate_executor]") {
    rill::io_context ctx;
    auto bound = rill::bind_immediate_executor(rill::system_executor(), [] { return 5; });
    const auto ex = rill::get_associated_immediate_executor(bound, ctx.get_executor());
    CHECK(ex == rill::system_executor());
    CHECK(rill::query(ex, rill::execution::blocking) == rill::execution::blocking.possibly);
    CHECK(bound() == 5);
}

TEST_CASE("the executor and the immediate executor are different things", "[token][bind_immediate_executor]") {
    auto bound = rill::bind_immediate_executor(numbered_executor{nullptr, 1},
                                               rill::bind_executor(numbered_executor{nullptr, 2}, [] {}));
    CHECK(token_test::characteristics_of(bound) == characteristics{2, 0, 1, false, {}});
    auto around = rill::bind_executor(numbered_executor{nullptr, 3}, bound);
    CHECK(token_test::characteristics_of(around) == characteristics{3, 0, 1, false, {}});
}

TEST_CASE("bind_immediate_executor without a token binds the default one", "[token][bind_immediate_executor]") {
    rill::io_context ctx;
    characteristics found;
    async_answer({&ctx, &found}, {}, 3, rill::bind_immediate_executor(numbered_executor{&ctx, 1}))(rill::detached);
    CHECK(found.immediate_executor == 1);
    CHECK(ctx.run() == 1);
}
