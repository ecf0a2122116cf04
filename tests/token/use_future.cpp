// SPDX-License-Identifier: BSL-1.0
#include <rill/token/use_future.hpp>

#include <support/catch.hpp>

#include <rill/compose/compose.hpp>
#include <rill/execution/any_io_executor.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/bind_allocator.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/post.hpp>
#include <rill/token/redirect_error.hpp>

#include <token/answer.hpp>
#include <token/disposition.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>

using rill::error_code;
using token_test::async_answer;
using token_test::async_answer_as;
using token_test::async_forget;
using token_test::characteristics;
using token_test::numbered_allocator;

namespace {

template <class... Results, class Token = const rill::use_future_t<>&>
auto answered(Token&& token, Results... results) {
    rill::io_context ctx;
    auto future = async_answer_as<Results...>({&ctx}, std::forward<Token>(token), std::move(results)...);
    CHECK(future.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
    ctx.run();
    CHECK(future.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
    return future;
}

template <class Future>
error_code error_of(Future future) {
    try {
        future.get();
    } catch (const rill::system_error& e) {
        return e.code();
    }
    return {};
}

template <class Future, class T>
inline constexpr bool is_future_of = std::is_same_v<Future, std::future<T>>;

}  // namespace

TEST_CASE("a future has the operation's result", "[token][use_future]") {
    auto future = answered(rill::use_future, error_code(), std::size_t(3));
    STATIC_REQUIRE(is_future_of<decltype(future), std::size_t>);
    CHECK(future.get() == 3);
}

TEST_CASE("a future of no result is void, of several a tuple", "[token][use_future]") {
    auto none = answered(rill::use_future);
    STATIC_REQUIRE(is_future_of<decltype(none), void>);
    none.get();
    auto only_error = answered(rill::use_future, error_code());
    STATIC_REQUIRE(is_future_of<decltype(only_error), void>);
    only_error.get();
    auto one = answered(rill::use_future, std::string("one"));
    STATIC_REQUIRE(is_future_of<decltype(one), std::string>);
    CHECK(one.get() == "one");
    auto two = answered(rill::use_future, std::string("two"), 2);
    STATIC_REQUIRE(is_future_of<decltype(two), std::tuple<std::string, int>>);
    CHECK(two.get() == std::tuple(std::string("two"), 2));
    auto more = answered(rill::use_future, error_code(), 'a', 1);
    STATIC_REQUIRE(is_future_of<decltype(more), std::tuple<char, int>>);
    CHECK(more.get() == std::tuple('a', 1));
    auto owned = answered(rill::use_future, error_code(), std::make_unique<int>(4));
    CHECK(*owned.get() == 4);
}

TEST_CASE("only a leading error is not a result", "[token][use_future]") {
    auto second = answered(rill::use_future, 1, error_code(rill::error::eof));
    STATIC_REQUIRE(is_future_of<decltype(second), std::tuple<int, error_code>>);
    CHECK(std::get<1>(second.get()) == rill::error::eof);
    auto both = answered(rill::use_future, error_code(), error_code(rill::error::eof));
    STATIC_REQUIRE(is_future_of<decltype(both), error_code>);
    CHECK(both.get() == rill::error::eof);
}

TEST_CASE("an error_code comes out of a future as system_error", "[token][use_future]") {
    CHECK(error_of(answered(rill::use_future, error_code(rill::error::eof))) == rill::error::eof);
    CHECK(error_of(answered(rill::use_future, error_code(rill::error::eof), std::size_t(3))) == rill::error::eof);
    CHECK(error_of(answered(rill::use_future, error_code(rill::error::eof), 1, 2)) == rill::error::eof);
}

TEST_CASE("an exception comes out of a future as it is", "[token][use_future]") {
    const auto e = std::make_exception_ptr(std::out_of_range("far"));
    CHECK_THROWS_AS(answered(rill::use_future, e).get(), std::out_of_range);
    CHECK_THROWS_AS(answered(rill::use_future, e, 1).get(), std::out_of_range);
    CHECK(answered(rill::use_future, std::exception_ptr(), 1).get() == 1);
}

TEST_CASE("a user's disposition comes out of a future as what it stands for", "[token][use_future]") {
    using token_test::verdict;
    CHECK(answered(rill::use_future, verdict{0}, 7).get() == 7);
    CHECK_THROWS_AS(answered(rill::use_future, verdict{3}, 7).get(), token_test::rejected);
}

TEST_CASE("the promise of an operation that never completes is broken", "[token][use_future]") {
    auto future = async_forget<error_code, int>(rill::use_future);
    try {
        future.get();
        FAIL("no exception");
    } catch (const std::future_error& e) {
        CHECK(e.code() == std::future_errc::broken_promise);
    }

    auto unfinished = [] {
        rill::io_context ctx;
        return async_answer({&ctx}, {}, 1, rill::use_future);
    }();
    CHECK_THROWS_AS(unfinished.get(), std::future_error);
}

TEST_CASE("a future waits for another thread", "[token][use_future]") {
    rill::io_context ctx;
    auto future = async_answer({&ctx}, {}, 5, rill::use_future);
    std::thread runner([&ctx] { ctx.run(); });
    CHECK(future.get() == 5);
    runner.join();
}

TEST_CASE("a packaged function makes the future's value of all results", "[token][use_future]") {
    auto text = answered(rill::use_future([](error_code ec, int n) { return ec.message() + std::to_string(n); }),
                         error_code(rill::error::eof), 3);
    STATIC_REQUIRE(is_future_of<decltype(text), std::string>);
    CHECK(text.get() == error_code(rill::error::eof).message() + "3");

    bool called = false;
    answered(rill::use_future([&called, own = std::make_unique<int>()] { called = true; })).get();
    CHECK(called);

    int referred = 1;
    auto reference = answered(rill::use_future([&referred](int) -> int& { return referred; }), 0);
    CHECK(&reference.get() == &referred);
}

TEST_CASE("what a packaged function throws is the future's exception", "[token][use_future]") {
    auto future = answered(rill::use_future([](int) -> int { throw std::out_of_range("far"); }), 1);
    CHECK_THROWS_AS(future.get(), std::out_of_range);
}

TEST_CASE("the allocator of use_future makes the shared state and is the handler's", "[token][use_future]") {
    std::size_t allocations = 0;
    rill::io_context ctx;
    characteristics found;
    const auto token = rill::use_future[numbered_allocator<char>(1, &allocations)];
    CHECK(token.get_allocator().number == 1);
    auto future = async_answer({&ctx, &found}, {}, 5, token);
    CHECK(allocations > 0);
    CHECK(found == characteristics{-1, 1, 0, false, {}});
    ctx.run();
    CHECK(future.get() == 5);
    CHECK(rill::use_future.rebind(numbered_allocator<int>(2)).get_allocator().number == 2);
}

TEST_CASE("adapters go around use_future", "[token][use_future]") {
    rill::io_context ctx;
    rill::io_context home;
    error_code ec;
    auto tuple = async_answer({&ctx}, rill::error::eof, 3, rill::as_tuple(rill::use_future));
    STATIC_REQUIRE(is_future_of<decltype(tuple), std::tuple<error_code, std::size_t>>);
    auto redirected = async_answer({&ctx}, rill::error::eof, 4, rill::redirect_error(rill::use_future, ec));
    STATIC_REQUIRE(is_future_of<decltype(redirected), std::size_t>);
    auto elsewhere = async_answer({&ctx}, {}, 5, rill::bind_executor(home, rill::use_future));
    auto packaged =
        async_answer({&ctx}, {}, 6, rill::as_tuple(rill::use_future([](auto t) { return std::get<1>(t); })));
    CHECK(ctx.run() == 3);
    CHECK(home.run() == 1);
    CHECK(std::get<0>(tuple.get()) == rill::error::eof);
    CHECK(redirected.get() == 4);
    CHECK(ec == rill::error::eof);
    CHECK(elsewhere.get() == 5);
    CHECK(packaged.get() == 6);
}

TEST_CASE("a deferred operation can be awaited by a future", "[token][use_future]") {
    rill::io_context ctx;
    auto future = async_answer({&ctx}, {}, 3, rill::deferred)(rill::use_future);
    ctx.run();
    CHECK(future.get() == 3);
}

TEST_CASE("what a step of the operation throws is the future's exception", "[token][use_future]") {
    rill::io_context ctx(1);
    auto future = rill::async_compose<const rill::use_future_t<>&, void(int)>(
        [&ctx, step = 0](auto& self) mutable {
            if (step++ == 0)
                return rill::post(ctx, std::move(self));
            throw std::out_of_range("far");
        },
        rill::use_future, ctx);
    CHECK(future.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
    ctx.run();
    CHECK_THROWS_AS(future.get(), std::out_of_range);
}

TEST_CASE("functions run through the executor of a future give it their exceptions", "[token][use_future]") {
    rill::io_context ctx(1);
    std::future<int> future;
    bool ran_there = false;
    future = rill::async_initiate<const rill::use_future_t<>&, void(int)>(
        [&](auto handler) {
            auto ex = rill::get_associated_executor(handler, ctx.get_executor());
            STATIC_REQUIRE(rill::execution::executor<decltype(ex)>);
            CHECK(&rill::query(ex, rill::execution::context) == &ctx);
            CHECK(ex == rill::get_associated_executor(handler, ctx.get_executor()));
            CHECK(!(ex == rill::require(ex, rill::execution::blocking.never)));
            rill::any_io_executor any = ex;
            any.execute([&] { ran_there = ctx.get_executor().running_in_this_thread(); });
            any.execute([] { throw std::out_of_range("far"); });
            any.execute([] { throw std::logic_error("too late to be told"); });
            ex.execute([h = std::move(handler)]() mutable { h(5); });  // nor is this
        },
        rill::use_future);
    ctx.run();
    CHECK(ran_there);
    CHECK_THROWS_AS(future.get(), std::out_of_range);
}

TEST_CASE("a packaged function takes every kind of argument", "[token][use_future]") {
    auto owned = answered(rill::use_future([](std::unique_ptr<int> p) { return *p; }), std::make_unique<int>(3));
    CHECK(owned.get() == 3);
    auto reference = answered(rill::use_future([](const std::string& s) { return s.size(); }), std::string("four"));
    CHECK(reference.get() == 4);
    auto error =
        answered(rill::use_future([](error_code ec, auto&&... rest) { return ec.failed() ? sizeof...(rest) : 9; }),
                 error_code(rill::error::eof), 1, 2);
    CHECK(error.get() == 2);
    auto exception = answered(rill::use_future([](std::exception_ptr e) { return !e; }), std::exception_ptr());
    CHECK(exception.get());
    auto moved = answered(rill::use_future([own = std::make_unique<int>(1)](int n) { return n + *own; }), 4);
    CHECK(moved.get() == 5);

    std::size_t allocations = 0;
    const auto token = rill::use_future[numbered_allocator<char>(1, &allocations)];
    CHECK(answered(token([](int n) { return n; }), 6).get() == 6);
    CHECK(allocations > 0);
}

TEST_CASE("use_future fits any one signature, a packaged function those that it takes", "[token][use_future]") {
    STATIC_REQUIRE(rill::completion_token_for<rill::use_future_t<>, void(error_code, int) noexcept>);
    STATIC_REQUIRE(rill::completion_token_for<const rill::use_future_t<>&, void(const std::string&)>);
    using token = decltype(rill::use_future([](error_code) {}));
    STATIC_REQUIRE(rill::completion_token_for<token, void(error_code)>);
    STATIC_REQUIRE(!rill::completion_token_for<token, void(std::string)>);
}
