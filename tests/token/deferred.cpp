// SPDX-License-Identifier: BSL-1.0
#include <rill/token/deferred.hpp>

#include <support/catch.hpp>

#include <token/answer.hpp>

#include <rill/coroutine/awaitable.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/token/append.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/bind_allocator.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/post.hpp>
#include <rill/token/use_future.hpp>

#include <concepts>
#include <memory>
#include <string>

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

TEST_CASE("a chain of deferred operations hands its results on", "[token][deferred]") {
    rill::io_context ctx;
    auto chain = async_answer({&ctx}, {}, 3, rill::deferred([&](error_code ec, std::size_t n) {
                                  return async_answer({&ctx}, ec, n + 1, rill::deferred);
                              })) |
                 rill::deferred([&](error_code, std::size_t n) {
                     return async_answer_as<std::string>({&ctx}, rill::deferred, std::to_string(n) + "!");
                 }) |
                 rill::deferred([](std::string s) { return rill::deferred.values(s + "?", 5); });
    STATIC_REQUIRE(rill::async_operation<decltype(chain)>);
    STATIC_REQUIRE(std::is_same_v<rill::completion_signature_of_t<decltype(chain)>, void(std::string, int)>);
    CHECK(chain.get_executor() == ctx.get_executor());

    std::string got;
    auto take = [&got](std::string s, int n) { got += s + std::to_string(n); };
    chain(take);
    ctx.run();
    CHECK(got == "4!?5");
    ctx.restart();
    auto future = std::move(chain) | rill::use_future;
    ctx.run();
    CHECK(std::get<0>(future.get()) == "4!?");
}

TEST_CASE("a chain keeps what the final handler is associated with", "[token][deferred]") {
    rill::io_context ctx;
    rill::io_context home;
    token_test::characteristics found;
    int got = 0;
    auto chain = async_answer({&ctx}, {}, 3, rill::deferred) | rill::deferred([&](error_code, std::size_t n) {
                     return async_answer_as<int>({&ctx, &found}, rill::deferred, static_cast<int>(n));
                 });
    chain(rill::bind_executor(home,
                              rill::bind_allocator(token_test::numbered_allocator<int>(2), [&](int n) { got = n; })));
    CHECK(ctx.run() == 0);
    CHECK(home.run() == 1);
    CHECK(found.allocator == 2);
    CHECK(got == 3);
}

TEST_CASE("a chain of what can only be moved", "[token][deferred]") {
    rill::io_context ctx;
    auto chain = async_answer_as<std::unique_ptr<int>>({&ctx}, rill::deferred, std::make_unique<int>(5)) |
                 rill::deferred([own = std::make_unique<int>(2)](std::unique_ptr<int> p) {
                     return rill::deferred.values(std::make_unique<int>(*p + *own));
                 });
    int got = 0;
    std::move(chain)([&got, own = std::make_unique<int>(1)](std::unique_ptr<int> p) { got = *p + *own; });
    ctx.run();
    CHECK(got == 8);
}

TEST_CASE("a deferred condition starts one of two operations", "[token][deferred]") {
    rill::io_context ctx;
    auto run = [&](bool condition) {
        std::size_t got = 0;
        auto op = rill::deferred.when(condition)
                      .then(async_answer({&ctx}, {}, 1, rill::deferred))
                      .otherwise(rill::deferred.values(error_code(), std::size_t(2)));
        std::as_const(op)([&](error_code, std::size_t n) { got += n; });
        std::move(op)([&](error_code, std::size_t n) { got += n; });
        ctx.restart();
        ctx.run();
        return got;
    };
    CHECK(run(true) == 2);
    CHECK(run(false) == 4);

    int done = 0;
    auto nothing = [&] { ++done; };
    rill::deferred.when(false).then(async_answer_as<>({&ctx}, rill::deferred))(nothing);
    CHECK(done == 1);
    rill::deferred.when(true).then(async_answer_as<>({&ctx}, rill::deferred))(nothing);
    CHECK(done == 1);
    ctx.restart();
    ctx.run();
    CHECK(done == 2);
    rill::deferred.when(true)(nothing);
    CHECK(done == 3);
}

TEST_CASE("chains, conditions and values in a coroutine", "[token][deferred]") {
    rill::io_context ctx;
    bool done = false;
    co_spawn(
        ctx,
        [&]() -> rill::awaitable<void> {
            CHECK(co_await rill::deferred.values(3) == 3);
            CHECK(
                co_await rill::deferred.when(true).then(rill::deferred.values(4)).otherwise(rill::deferred.values(5)) ==
                4);
            auto [ec, n] =
                co_await (async_answer({&ctx}, {}, 1, rill::deferred) |
                          rill::deferred([](error_code e, std::size_t) { return rill::deferred.values(e, 6); }) |
                          rill::as_tuple(rill::deferred));
            CHECK((!ec && n == 6));
            done = true;
        },
        [](std::exception_ptr e) { CHECK(!e); });
    ctx.run();
    CHECK(done);
}

TEST_CASE("what is deferred already stays as it is", "[token][deferred]") {
    STATIC_REQUIRE(rill::is_deferred<decltype(rill::deferred.values(1))>::value);
    STATIC_REQUIRE(rill::is_deferred_v<decltype(rill::deferred.when(true))>);
    STATIC_REQUIRE(!rill::is_deferred_v<rill::deferred_t>);
    STATIC_REQUIRE(std::is_same_v<decltype(rill::deferred(rill::deferred.values(1))), rill::deferred_values<int>>);
    STATIC_REQUIRE(!rill::completion_token_for<decltype(rill::deferred([](int) {})), void(int)>);
    STATIC_REQUIRE(!rill::completion_token_for<decltype(rill::deferred([](int) { return rill::deferred.values(); })),
                                               void(std::string)>);
}

TEST_CASE("an operation of several signatures can be deferred", "[token][deferred]") {
    rill::io_context ctx;
    struct both {
        int& got;
        void operator()(error_code) { got = 1; }
        void operator()(int n) { got = n; }
    };
    auto op = rill::async_initiate<const rill::deferred_t&, void(error_code), void(int)>(
        [&ctx](auto handler, int n) {
            ctx.get_executor().execute([h = std::move(handler), n]() mutable {
                if (n == 0)
                    h(error_code());
                else
                    h(n);
            });
        },
        rill::deferred, 7);
    int got = 0;
    op(both{got});
    ctx.run();
    CHECK(got == 7);
    auto again = std::move(op)(rill::deferred);
    std::move(again)(both{got = 0});
    ctx.restart();
    ctx.run();
    CHECK(got == 7);
}

TEST_CASE("a deferred operation with what can only be moved is not called where it stays", "[token][deferred]") {
    rill::io_context ctx;
    const auto handler = [](std::unique_ptr<int>) {};
    auto op = rill::post(ctx, rill::append(rill::deferred, std::make_unique<int>()));
    STATIC_REQUIRE(!std::invocable<decltype(op)&, decltype(handler)>);
    STATIC_REQUIRE(std::invocable<decltype(op), decltype(handler)>);
    auto values = rill::deferred.values(std::make_unique<int>());
    STATIC_REQUIRE(!std::invocable<const decltype(values)&, decltype(handler)>);
    STATIC_REQUIRE(std::invocable<decltype(values), decltype(handler)>);
    STATIC_REQUIRE(std::invocable<const decltype(rill::deferred.values(1))&, void (*)(int)>);
}
