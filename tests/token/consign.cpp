// SPDX-License-Identifier: BSL-1.0
#include <rill/token/consign.hpp>

#include <support/catch.hpp>

#include <token/answer.hpp>

#include <memory>
#include <type_traits>

using rill::error_code;
using token_test::async_answer;
using token_test::async_answer_as;
using token_test::async_forget;

TEST_CASE("consign leaves the signature alone", "[token][consign]") {
    using consigned = rill::consign_t<rill::deferred_t, int>;
    STATIC_REQUIRE(std::is_same_v<consigned::adapted_signature<void(error_code, int)>, void(error_code, int)>);
    STATIC_REQUIRE(std::is_same_v<consigned::adapted_signature<void() noexcept>, void() noexcept>);
    STATIC_REQUIRE(std::is_same_v<decltype(rill::consign(rill::deferred, 1)), consigned>);
}

TEST_CASE("consign keeps its values until the handler has been called", "[token][consign]") {
    rill::io_context ctx;
    auto value = std::make_shared<int>(5);
    std::weak_ptr<int> watched = value;
    long uses = 0;
    std::size_t got = 0;
    async_answer({&ctx}, {}, 3,
                 rill::consign(
                     [&](error_code, std::size_t n) {
                         uses = watched.use_count();
                         got = n;
                     },
                     std::move(value), std::make_unique<int>()));
    CHECK(watched.use_count() == 1);
    ctx.run();
    CHECK(uses == 1);
    CHECK(got == 3);
    CHECK(watched.expired());
}

TEST_CASE("consigned values go with a handler that is never called", "[token][consign]") {
    auto value = std::make_shared<int>(5);
    async_forget<>(rill::consign([] {}, value));
    CHECK(value.use_count() == 1);
}

TEST_CASE("a token with consigned values is used again if these can be copied", "[token][consign]") {
    rill::io_context ctx;
    auto value = std::make_shared<int>(5);
    int sum = 0;
    auto token = rill::consign([&sum](int i) { sum += i; }, value);
    async_answer_as<int>({&ctx}, token, 1);
    async_answer_as<int>({&ctx}, token, 2);
    CHECK(value.use_count() == 4);
    ctx.run();
    CHECK(value.use_count() == 2);
    CHECK(sum == 3);
}
