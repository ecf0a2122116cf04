// SPDX-License-Identifier: BSL-1.0
#include <rill/token/as_single.hpp>

#include <support/catch.hpp>

#include <token/answer.hpp>

#include <memory>
#include <string>
#include <tuple>
#include <type_traits>

using rill::error_code;
using token_test::async_answer;
using token_test::async_answer_as;

namespace {

template <class Signature>
using adapted = typename rill::as_single_t<rill::deferred_t>::template adapted_signature<Signature>;

}  // namespace

TEST_CASE("as_single makes a tuple of more than one argument", "[token][as_single]") {
    STATIC_REQUIRE(std::is_same_v<adapted<void(error_code, int)>, void(std::tuple<error_code, int>)>);
    STATIC_REQUIRE(
        std::is_same_v<adapted<void(const std::string&, int&, char)>, void(std::tuple<std::string, int, char>)>);
    STATIC_REQUIRE(std::is_same_v<adapted<void(error_code)>, void(error_code)>);
    STATIC_REQUIRE(std::is_same_v<adapted<void() noexcept>, void() noexcept>);
    STATIC_REQUIRE(std::is_same_v<adapted<void(int, int) noexcept>, void(std::tuple<int, int>) noexcept>);
}

TEST_CASE("as_single hands over nothing, one result, or a tuple", "[token][as_single]") {
    rill::io_context ctx;
    std::string got;
    async_answer_as({&ctx}, rill::as_single([&got] { got += "none "; }));
    async_answer_as<std::string>({&ctx}, rill::as_single([&got](std::string s) { got += s; }), "one ");
    async_answer({&ctx}, rill::error::eof, 3, rill::as_single([&got](std::tuple<error_code, std::size_t> t) {
                     got += std::to_string(std::get<0>(t) == rill::error::eof) + std::to_string(std::get<1>(t));
                 }));
    ctx.run();
    CHECK(got == "none one 13");
}

TEST_CASE("as_single takes handlers and results that can only be moved", "[token][as_single]") {
    rill::io_context ctx;
    int got = 0;
    auto handler = [&got, own = std::make_unique<int>(1)](std::unique_ptr<int> p) { got = *p + *own; };
    async_answer_as<std::unique_ptr<int>>({&ctx}, rill::as_single(std::move(handler)), std::make_unique<int>(5));
    ctx.run();
    CHECK(got == 6);
}

TEST_CASE("as_single is a token by itself, for the default one", "[token][as_single]") {
    rill::io_context ctx;
    std::size_t got = 0;
    auto op = async_answer({&ctx}, {}, 3, rill::as_single);
    STATIC_REQUIRE(
        std::is_same_v<rill::completion_signature_of_t<decltype(op)>, void(std::tuple<error_code, std::size_t>)>);
    std::move(op)([&got](auto t) { got += std::get<1>(t); });
    ctx.run();
    CHECK(got == 3);
}
