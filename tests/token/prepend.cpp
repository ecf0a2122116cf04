// SPDX-License-Identifier: BSL-1.0
#include <rill/token/prepend.hpp>

#include <support/catch.hpp>

#include <token/answer.hpp>

#include <memory>
#include <string>
#include <type_traits>

using rill::error_code;
using token_test::async_answer;
using token_test::async_answer_as;

namespace {

template <class Token, class Signature>
using adapted = typename Token::template adapted_signature<Signature>;
using prepended = rill::prepend_t<rill::deferred_t, char, std::string>;

}  // namespace

TEST_CASE("prepend puts its values in front of the signature's arguments", "[token][prepend]") {
    STATIC_REQUIRE(std::is_same_v<adapted<prepended, void(error_code, int)>, void(char, std::string, error_code, int)>);
    STATIC_REQUIRE(std::is_same_v<adapted<prepended, void()>, void(char, std::string)>);
    STATIC_REQUIRE(std::is_same_v<adapted<prepended, void(int) noexcept>, void(char, std::string, int) noexcept>);
    STATIC_REQUIRE(std::is_same_v<decltype(rill::prepend(rill::deferred, 'a', std::string())), prepended>);
}

TEST_CASE("prepend hands over the values and then the results", "[token][prepend]") {
    rill::io_context ctx;
    std::string got;
    async_answer({&ctx}, rill::error::eof, 3,
                 rill::prepend(
                     [&got](int i, std::string s, error_code ec, std::size_t n) {
                         got = std::to_string(i) + s + std::to_string(ec == rill::error::eof) + std::to_string(n);
                     },
                     4, "five"));
    ctx.run();
    CHECK(got == "4five13");
}

TEST_CASE("prepend takes handlers, results and values that can only be moved", "[token][prepend]") {
    rill::io_context ctx;
    int got = 0;
    auto handler = [&got, own = std::make_unique<int>(1)](std::unique_ptr<int> a, std::unique_ptr<int> b) {
        got = *own + *a * 10 + *b * 100;
    };
    async_answer_as<std::unique_ptr<int>>({&ctx}, rill::prepend(std::move(handler), std::make_unique<int>(2)),
                                          std::make_unique<int>(3));
    ctx.run();
    CHECK(got == 321);
}

TEST_CASE("the inner prepend is the one in front", "[token][prepend]") {
    rill::io_context ctx;
    std::string got;
    auto handler = [&got](int a, int b, int c) {
        got += std::to_string(a) + std::to_string(b) + std::to_string(c) + ' ';
    };
    // The outer adapter is the nearer one to the operation.
    async_answer_as<int>({&ctx}, rill::prepend(rill::prepend(handler, 1), 2), 3);
    async_answer_as<int>({&ctx}, rill::prepend(rill::prepend(handler, 2), 1), 3);
    ctx.run();
    CHECK(got == "123 213 ");
}
