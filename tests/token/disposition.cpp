// SPDX-License-Identifier: BSL-1.0
#include <rill/token/disposition.hpp>

#include <support/catch.hpp>

#include <token/disposition.hpp>

#include <stdexcept>

using rill::error_code;
using token_test::verdict;

TEST_CASE("error codes, exceptions and what users declare are dispositions", "[token][disposition]") {
    STATIC_REQUIRE(rill::disposition<error_code>);
    STATIC_REQUIRE(rill::disposition<std::exception_ptr>);
    STATIC_REQUIRE(rill::disposition<verdict>);
    STATIC_REQUIRE(rill::is_disposition<verdict>::value);
    STATIC_REQUIRE(rill::is_disposition_v<error_code>);
    STATIC_REQUIRE(!rill::disposition<int>);
    STATIC_REQUIRE(!rill::disposition<error_code&>);
    STATIC_REQUIRE(!rill::is_disposition_v<rill::no_error_t>);
}

TEST_CASE("what is no error equals no_error", "[token][disposition]") {
    CHECK(error_code() == rill::no_error);
    CHECK(rill::no_error == std::exception_ptr());
    CHECK(verdict{0} == rill::no_error);
    CHECK(rill::no_error == rill::no_error);
    CHECK(error_code(rill::error::eof) != rill::no_error);
    CHECK(rill::no_error != std::make_exception_ptr(1));
    CHECK(verdict{3} != rill::no_error);
}

TEST_CASE("a disposition is thrown if it is an error", "[token][disposition]") {
    CHECK_NOTHROW(rill::throw_exception(error_code()));
    CHECK_NOTHROW(rill::throw_exception(std::exception_ptr()));
    CHECK_NOTHROW(rill::throw_exception(verdict{0}));
    CHECK_THROWS_AS(rill::throw_exception(error_code(rill::error::eof)), rill::system_error);
    CHECK_THROWS_AS(rill::throw_exception(std::make_exception_ptr(std::out_of_range("x"))), std::out_of_range);
    CHECK_THROWS_AS(rill::throw_exception(verdict{3}), token_test::rejected);
}

TEST_CASE("a disposition becomes an exception_ptr, null if it is no error", "[token][disposition]") {
    CHECK(rill::to_exception_ptr(error_code()) == nullptr);
    CHECK(rill::to_exception_ptr(std::exception_ptr()) == nullptr);
    CHECK(rill::to_exception_ptr(verdict{0}) == nullptr);
    try {
        std::rethrow_exception(rill::to_exception_ptr(error_code(rill::error::eof)));
    } catch (const rill::system_error& e) {
        CHECK(e.code() == rill::error::eof);
    }
    const auto e = std::make_exception_ptr(1);
    CHECK(rill::to_exception_ptr(e) == e);
    CHECK_THROWS_AS(std::rethrow_exception(rill::to_exception_ptr(verdict{3})), token_test::rejected);
}
