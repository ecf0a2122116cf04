// SPDX-License-Identifier: BSL-1.0
#include <rill/token/append.hpp>

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
using appended = rill::append_t<rill::deferred_t, char, std::string>;

/// Tells, when it is called, whether it was copied on its way.
struct counted {
    int copies = 0;

    counted() = default;
    counted(const counted& other) noexcept : copies(other.copies + 1) {}
    counted(counted&&) noexcept = default;
};

}  // namespace

TEST_CASE("append puts its values behind the signature's arguments", "[token][append]") {
    STATIC_REQUIRE(std::is_same_v<adapted<appended, void(error_code, int)>, void(error_code, int, char, std::string)>);
    STATIC_REQUIRE(std::is_same_v<adapted<appended, void()>, void(char, std::string)>);
    STATIC_REQUIRE(std::is_same_v<adapted<appended, void(int) noexcept>, void(int, char, std::string) noexcept>);
    STATIC_REQUIRE(std::is_same_v<decltype(rill::append(rill::deferred, 'a', std::string())), appended>);
}

TEST_CASE("append hands over the results and then the values", "[token][append]") {
    rill::io_context ctx;
    std::string got;
    async_answer({&ctx}, rill::error::eof, 3,
                 rill::append(
                     [&got](error_code ec, std::size_t n, int i, std::string s) {
                         got = std::to_string(ec == rill::error::eof) + std::to_string(n) + std::to_string(i) + s;
                     },
                     4, "five"));
    bool called = false;
    async_answer_as({&ctx}, rill::append([&called] { called = true; }));
    ctx.run();
    CHECK(got == "134five");
    CHECK(called);
}

TEST_CASE("append takes handlers, results and values that can only be moved", "[token][append]") {
    rill::io_context ctx;
    int got = 0;
    auto handler = [&got, own = std::make_unique<int>(1)](std::unique_ptr<int> a, std::unique_ptr<int> b) {
        got = *own + *a + *b;
    };
    async_answer_as<std::unique_ptr<int>>({&ctx}, rill::append(std::move(handler), std::make_unique<int>(20)),
                                          std::make_unique<int>(300));
    ctx.run();
    CHECK(got == 321);
}

TEST_CASE("a token with values is used again if these can be copied", "[token][append]") {
    rill::io_context ctx;
    int sum = 0;
    auto token = rill::append([&sum](int i, const std::string& s) { sum += i + static_cast<int>(s.size()); },
                              std::string("four"));
    async_answer_as<int>({&ctx}, token, 10);
    async_answer_as<int>({&ctx}, std::as_const(token), 20);
    async_answer_as<int>({&ctx}, std::move(token), 30);
    ctx.run();
    CHECK(sum == 72);

    auto any = [](auto&&...) {};
    using move_only = rill::append_t<decltype(any), std::unique_ptr<int>>;
    STATIC_REQUIRE(rill::completion_token_for<move_only, void(int)>);
    STATIC_REQUIRE(!rill::completion_token_for<move_only&, void(int)>);
    STATIC_REQUIRE(!rill::completion_token_for<const move_only&, void(int)>);
}

TEST_CASE("a value given as an rvalue is never copied", "[token][append]") {
    rill::io_context ctx;
    int copies = -1;
    async_answer_as<int>({&ctx}, rill::append([&copies](int, counted c) { copies = c.copies; }, counted()), 1);
    ctx.run();
    CHECK(copies == 0);
}

TEST_CASE("a token is judged with the appended values", "[token][append]") {
    auto takes_both = [](int, const char*) {};
    using token = rill::append_t<decltype(takes_both), const char*>;
    STATIC_REQUIRE(rill::completion_token_for<token, void(int)>);
    STATIC_REQUIRE(!rill::completion_token_for<token, void()>);
    STATIC_REQUIRE(!rill::completion_token_for<token, void(int, int)>);
}
