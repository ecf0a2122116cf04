// SPDX-License-Identifier: BSL-1.0
#include <rill/token/as_tuple.hpp>

#include <support/catch.hpp>

#include <rill/token/redirect_error.hpp>

#include <token/answer.hpp>

#include <memory>
#include <string>
#include <tuple>
#include <type_traits>

using rill::error_code;
using token_test::async_answer;
using token_test::async_answer_as;

namespace {

template <class Token, class Signature>
using adapted = typename Token::template adapted_signature<Signature>;
using tupled = rill::as_tuple_t<rill::deferred_t>;

}  // namespace

TEST_CASE("as_tuple makes one tuple of the signature's arguments", "[token][as_tuple]") {
    STATIC_REQUIRE(std::is_same_v<adapted<tupled, void(error_code, int)>, void(std::tuple<error_code, int>)>);
    STATIC_REQUIRE(std::is_same_v<adapted<tupled, void(const std::string&)>, void(std::tuple<std::string>)>);
    STATIC_REQUIRE(std::is_same_v<adapted<tupled, void()>, void(std::tuple<>)>);
    STATIC_REQUIRE(std::is_same_v<adapted<tupled, void(int) noexcept>, void(std::tuple<int>) noexcept>);
}

TEST_CASE("as_tuple hands all results over as one", "[token][as_tuple]") {
    rill::io_context ctx;
    std::tuple<error_code, std::size_t> got;
    async_answer({&ctx}, rill::error::eof, 3,
                 rill::as_tuple([&got](std::tuple<error_code, std::size_t> t) { got = std::move(t); }));
    bool called = false;
    async_answer_as({&ctx}, rill::as_tuple([&called](std::tuple<>) { called = true; }));
    ctx.run();
    CHECK(std::get<0>(got) == rill::error::eof);
    CHECK(std::get<1>(got) == 3);
    CHECK(called);
}

TEST_CASE("as_tuple takes handlers and results that can only be moved", "[token][as_tuple]") {
    rill::io_context ctx;
    int got = 0;
    auto handler = [&got, own = std::make_unique<int>(1)](std::tuple<std::unique_ptr<int>> t) {
        got = *std::get<0>(t) + *own;
    };
    async_answer_as<std::unique_ptr<int>>({&ctx}, rill::as_tuple(std::move(handler)), std::make_unique<int>(5));
    ctx.run();
    CHECK(got == 6);
}

TEST_CASE("as_tuple is a token by itself, for the default one", "[token][as_tuple]") {
    rill::io_context ctx;
    std::size_t got = 0;
    auto op = async_answer({&ctx}, {}, 3, rill::as_tuple);
    STATIC_REQUIRE(
        std::is_same_v<rill::completion_signature_of_t<decltype(op)>, void(std::tuple<error_code, std::size_t>)>);
    CHECK(op.get_executor() == ctx.get_executor());
    op([&got](auto t) { got += std::get<1>(t); });
    std::move(op)([&got](auto t) { got += std::get<1>(t); });
    ctx.run();
    CHECK(got == 6);
}

TEST_CASE("a token is judged by the tuple, and an lvalue by whether it can be copied", "[token][as_tuple]") {
    auto takes_tuple = [](std::tuple<error_code, std::size_t>) {};
    auto move_only = [own = std::unique_ptr<int>()](std::tuple<error_code, std::size_t>) {};
    using signature = void(error_code, std::size_t);
    STATIC_REQUIRE(rill::completion_token_for<rill::as_tuple_t<decltype(takes_tuple)>, signature>);
    STATIC_REQUIRE(rill::completion_token_for<const rill::as_tuple_t<decltype(takes_tuple)>&, signature>);
    STATIC_REQUIRE(rill::completion_token_for<rill::as_tuple_t<decltype(move_only)>, signature>);
    STATIC_REQUIRE(!rill::completion_token_for<rill::as_tuple_t<decltype(move_only)>&, signature>);
    STATIC_REQUIRE(!rill::completion_token_for<rill::as_tuple_t<decltype(takes_tuple)>, void(int)>);
}

TEST_CASE("an lvalue token is not moved from", "[token][as_tuple]") {
    rill::io_context ctx;
    auto count = std::make_shared<int>(0);
    auto token = rill::as_tuple([count](std::tuple<int>) { ++*count; });
    async_answer_as<int>({&ctx}, token, 1);
    async_answer_as<int>({&ctx}, std::as_const(token), 1);
    async_answer_as<int>({&ctx}, std::move(token), 1);
    ctx.run();
    CHECK(*count == 3);
    CHECK(count.use_count() == 1);
}

TEST_CASE("the order of as_tuple and redirect_error matters", "[token][as_tuple]") {
    rill::io_context ctx;
    error_code ec;
    async_answer(
        {&ctx}, rill::error::eof, 3,
        rill::redirect_error(rill::as_tuple([](std::tuple<std::size_t> t) { CHECK(std::get<0>(t) == 3); }), ec));
    CHECK(ctx.run() == 1);
    CHECK(ec == rill::error::eof);

    ctx.restart();
    ec.clear();
    async_answer({&ctx}, rill::error::eof, 3,
                 rill::as_tuple(rill::redirect_error(
                     [](std::tuple<error_code, std::size_t> t) { CHECK(std::get<0>(t) == rill::error::eof); }, ec)));
    CHECK(ctx.run() == 1);
    CHECK(!ec);
}
