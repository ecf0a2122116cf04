// SPDX-License-Identifier: BSL-1.0
#include <rill/token/deferred.hpp>

#include <support/catch.hpp>

#include <token/answer.hpp>

#include <memory>

using rill::error_code;
using token_test::async_answer;
using token_test::async_answer_as;

TEST_CASE("a deferred operation starts when it is called, each time", "[token][deferred]") {
    rill::io_context ctx;
    auto op = async_answer({&ctx}, {}, 3, rill::deferred);
    CHECK(ctx.run() == 0);
    ctx.restart();

    std::size_t sum = 0;
    auto add = [&sum](error_code, std::size_t n) { sum += n; };
    op(add);
    std::as_const(op)(add);
    std::move(op)(add);
    CHECK(sum == 0);
    CHECK(ctx.run() == 3);
    CHECK(sum == 9);
}

TEST_CASE("a deferred operation holds copies of the arguments", "[token][deferred]") {
    rill::io_context ctx;
    auto op = [&ctx] {
        std::string text = "a text that is too long to lie inside of a string";
        return async_answer_as<std::string>({&ctx}, rill::deferred, text);
    }();
    std::string got;
    std::move(op)([&got](std::string s) { got = std::move(s); });
    ctx.run();
    CHECK(got == "a text that is too long to lie inside of a string");
}

TEST_CASE("arguments that can only be moved make a deferred operation that starts once", "[token][deferred]") {
    rill::io_context ctx;
    auto op = async_answer_as<std::unique_ptr<int>>({&ctx}, rill::deferred, std::make_unique<int>(5));
    int got = 0;
    std::move(op)([&got](std::unique_ptr<int> p) { got = *p; });
    ctx.run();
    CHECK(got == 5);
}

TEST_CASE("deferring a deferred operation changes nothing", "[token][deferred]") {
    rill::io_context ctx;
    std::size_t got = 0;
    async_answer({&ctx}, {}, 7,
                 rill::deferred)(rill::deferred)(rill::deferred)([&got](error_code, std::size_t n) { got = n; });
    ctx.run();
    CHECK(got == 7);
}

TEST_CASE("deferred is the default token", "[token][deferred]") {
    rill::io_context ctx;
    std::size_t got = 0;
    async_answer({&ctx}, {}, 7)([&got](error_code, std::size_t n) { got = n; });
    ctx.run();
    CHECK(got == 7);
}

TEST_CASE("a deferred operation runs where the operation does", "[token][deferred]") {
    rill::io_context ctx;
    auto op = async_answer({&ctx}, {}, 0, rill::deferred);
    CHECK(op.get_executor() == ctx.get_executor());
    CHECK(rill::get_associated_executor(op) == ctx.get_executor());
    STATIC_REQUIRE(rill::async_operation<decltype(op)>);
}
