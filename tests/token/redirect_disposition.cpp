// SPDX-License-Identifier: BSL-1.0
#include <rill/token/redirect_disposition.hpp>

#include <support/catch.hpp>

#include <rill/token/redirect_error.hpp>

#include <token/answer.hpp>
#include <token/disposition.hpp>

#include <memory>
#include <string>
#include <type_traits>

using rill::error_code;
using token_test::async_answer;
using token_test::async_answer_as;
using token_test::verdict;

namespace {

template <class Disposition, class Signature>
using adapted =
    typename rill::redirect_disposition_t<rill::deferred_t, Disposition>::template adapted_signature<Signature>;

}  // namespace

TEST_CASE("redirect_disposition takes what fits out of the signature", "[token][redirect_disposition]") {
    STATIC_REQUIRE(std::is_same_v<adapted<error_code, void(error_code, int)>, void(int)>);
    STATIC_REQUIRE(std::is_same_v<adapted<error_code, void(const error_code&) noexcept>, void() noexcept>);
    STATIC_REQUIRE(std::is_same_v<adapted<std::exception_ptr, void(std::exception_ptr, int)>, void(int)>);
    STATIC_REQUIRE(std::is_same_v<adapted<std::exception_ptr, void(error_code, int)>, void(int)>);
    STATIC_REQUIRE(std::is_same_v<adapted<std::exception_ptr, void(verdict)>, void()>);
    STATIC_REQUIRE(std::is_same_v<adapted<verdict, void(verdict, int)>, void(int)>);

    STATIC_REQUIRE(std::is_same_v<adapted<verdict, void(error_code, int)>, void(error_code, int)>);
    STATIC_REQUIRE(std::is_same_v<adapted<error_code, void(std::exception_ptr)>, void(std::exception_ptr)>);
    STATIC_REQUIRE(std::is_same_v<adapted<error_code, void(int, error_code)>, void(int, error_code)>);
    STATIC_REQUIRE(std::is_same_v<adapted<error_code, void()>, void()>);
}

TEST_CASE("redirect_disposition puts an error_code aside", "[token][redirect_disposition]") {
    rill::io_context ctx;
    error_code ec;
    std::size_t got = 0;
    async_answer({&ctx}, rill::error::eof, 3, rill::redirect_disposition([&got](std::size_t n) { got = n; }, ec));
    ctx.run();
    CHECK(ec == rill::error::eof);
    CHECK(got == 3);
}

TEST_CASE("an exception_ptr takes every disposition", "[token][redirect_disposition]") {
    rill::io_context ctx;
    std::exception_ptr from_code;
    std::exception_ptr from_verdict;
    std::exception_ptr from_exception;
    std::exception_ptr from_success = std::make_exception_ptr(1);
    async_answer({&ctx}, rill::error::eof, 3, rill::redirect_disposition([](std::size_t) {}, from_code));
    async_answer_as<verdict>({&ctx}, rill::redirect_disposition([] {}, from_verdict), verdict{4});
    async_answer_as<std::exception_ptr>({&ctx}, rill::redirect_disposition([] {}, from_exception),
                                        std::make_exception_ptr(5));
    async_answer({&ctx}, {}, 3, rill::redirect_disposition([](std::size_t) {}, from_success));
    CHECK(ctx.run() == 4);
    CHECK_THROWS_AS(std::rethrow_exception(from_code), rill::system_error);
    CHECK_THROWS_AS(std::rethrow_exception(from_verdict), token_test::rejected);
    CHECK_THROWS_AS(std::rethrow_exception(from_exception), int);
    CHECK(from_success == nullptr);
}

TEST_CASE("a user's disposition is put aside", "[token][redirect_disposition]") {
    rill::io_context ctx;
    verdict v;
    int got = 0;
    async_answer_as<verdict, int>({&ctx}, rill::redirect_disposition([&got](int i) { got = i; }, v), verdict{4}, 5);
    ctx.run();
    CHECK(v.number == 4);
    CHECK(got == 5);
}

TEST_CASE("redirect_disposition leaves other operations alone", "[token][redirect_disposition]") {
    rill::io_context ctx;
    verdict v{7};
    bool called = false;
    std::size_t got = 0;
    async_answer_as({&ctx}, rill::redirect_disposition([&called] { called = true; }, v));
    async_answer({&ctx}, {}, 3, rill::redirect_disposition([&got](error_code, std::size_t n) { got = n; }, v));
    ctx.run();
    CHECK(called);
    CHECK(got == 3);
    CHECK(v.number == 7);
}

TEST_CASE("redirect_disposition takes handlers that can only be moved", "[token][redirect_disposition]") {
    rill::io_context ctx;
    std::exception_ptr e;
    int got = 0;
    auto handler = [&got, own = std::make_unique<int>(1)](std::unique_ptr<int> p) { got = *p + *own; };
    async_answer_as<error_code, std::unique_ptr<int>>({&ctx}, rill::redirect_disposition(std::move(handler), e), {},
                                                      std::make_unique<int>(5));
    ctx.run();
    CHECK(got == 6);
}

TEST_CASE("redirect_disposition without a token adapts the default one", "[token][redirect_disposition]") {
    rill::io_context ctx;
    std::exception_ptr e;
    auto op = async_answer({&ctx}, rill::error::eof, 3, rill::redirect_disposition(e));
    STATIC_REQUIRE(std::is_same_v<rill::completion_signature_of_t<decltype(op)>, void(std::size_t)>);
    std::move(op)([](std::size_t) {});
    ctx.run();
    CHECK(e != nullptr);
}

TEST_CASE("redirect_error with another disposition is redirect_disposition", "[token][redirect_disposition]") {
    rill::io_context ctx;
    std::exception_ptr e;
    verdict v;
    error_code ec;
    STATIC_REQUIRE(std::is_same_v<decltype(rill::redirect_error(rill::deferred, e)),
                                  rill::redirect_disposition_t<rill::deferred_t, std::exception_ptr>>);
    STATIC_REQUIRE(
        std::is_same_v<decltype(rill::redirect_error(rill::deferred, ec)), rill::redirect_error_t<rill::deferred_t>>);
    async_answer({&ctx}, rill::error::eof, 3, rill::redirect_error([](std::size_t) {}, e));
    async_answer_as<verdict>({&ctx}, rill::redirect_error(v), verdict{4})([] {});
    ctx.run();
    CHECK(e != nullptr);
    CHECK(v.number == 4);
}
