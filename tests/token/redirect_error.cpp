// SPDX-License-Identifier: BSL-1.0
#include <rill/token/redirect_error.hpp>

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
using redirected = rill::redirect_error_t<rill::deferred_t>;

}  // namespace

TEST_CASE("redirect_error takes the error_code out of the signature", "[token][redirect_error]") {
    STATIC_REQUIRE(std::is_same_v<adapted<redirected, void(error_code, int, char)>, void(int, char)>);
    STATIC_REQUIRE(std::is_same_v<adapted<redirected, void(const error_code&)>, void()>);
    STATIC_REQUIRE(std::is_same_v<adapted<redirected, void(error_code, int) noexcept>, void(int) noexcept>);
    STATIC_REQUIRE(std::is_same_v<adapted<redirected, void()>, void()>);
    STATIC_REQUIRE(std::is_same_v<adapted<redirected, void(int, error_code)>, void(int, error_code)>);
}

TEST_CASE("redirect_error puts the error aside and the other results to the handler", "[token][redirect_error]") {
    rill::io_context ctx;
    error_code ec;
    std::size_t got = 0;
    async_answer({&ctx}, rill::error::eof, 3, rill::redirect_error([&got](std::size_t n) { got = n; }, ec));
    CHECK(!ec);
    ctx.run();
    CHECK(ec == rill::error::eof);
    CHECK(got == 3);

    ctx.restart();
    async_answer({&ctx}, {}, 4, rill::redirect_error([&got](std::size_t n) { got = n; }, ec));
    ctx.run();
    CHECK(!ec);
    CHECK(got == 4);
}

TEST_CASE("redirect_error leaves operations without an error alone", "[token][redirect_error]") {
    rill::io_context ctx;
    error_code ec = rill::error::eof;
    std::string got;
    bool called = false;
    async_answer_as<std::string>({&ctx}, rill::redirect_error([&got](std::string s) { got = std::move(s); }, ec),
                                 "text");
    async_answer_as({&ctx}, rill::redirect_error([&called] { called = true; }, ec));
    ctx.run();
    CHECK(got == "text");
    CHECK(called);
    CHECK(ec == rill::error::eof);
}

TEST_CASE("redirect_error takes handlers and results that can only be moved", "[token][redirect_error]") {
    rill::io_context ctx;
    error_code ec;
    int got = 0;
    auto handler = [&got, own = std::make_unique<int>(1)](std::unique_ptr<int> p) { got = *p + *own; };
    async_answer_as<error_code, std::unique_ptr<int>>({&ctx}, rill::redirect_error(std::move(handler), ec), {},
                                                      std::make_unique<int>(5));
    ctx.run();
    CHECK(got == 6);
}

TEST_CASE("redirect_error without a token adapts the default one", "[token][redirect_error]") {
    rill::io_context ctx;
    error_code ec;
    std::size_t got = 0;
    auto op = async_answer({&ctx}, rill::error::eof, 3, rill::redirect_error(ec));
    STATIC_REQUIRE(std::is_same_v<rill::completion_signature_of_t<decltype(op)>, void(std::size_t)>);
    CHECK(op.get_executor() == ctx.get_executor());
    std::move(op)([&got](std::size_t n) { got = n; });
    ctx.run();
    CHECK(ec == rill::error::eof);
    CHECK(got == 3);
}

TEST_CASE("a token is judged by what redirect_error leaves of the signature", "[token][redirect_error]") {
    auto takes_size = [](std::size_t) {};
    using token = rill::redirect_error_t<decltype(takes_size)>;
    STATIC_REQUIRE(rill::completion_token_for<token, void(error_code, std::size_t)>);
    STATIC_REQUIRE(rill::completion_token_for<const token&, void(std::size_t)>);
    STATIC_REQUIRE(!rill::completion_token_for<token, void(error_code)>);
    STATIC_REQUIRE(!rill::completion_token_for<token, void(std::string)>);
}
