// SPDX-License-Identifier: BSL-1.0
#include <rill/token/bind_executor.hpp>

#include <support/catch.hpp>

#include <rill/execution/any_io_executor.hpp>
#include <rill/token/detached.hpp>

#include <token/answer.hpp>

#include <memory>
#include <type_traits>

using rill::error_code;
using token_test::async_answer;
using token_test::characteristics;
using token_test::numbered_executor;

namespace {

/// What can be told apart by how it is called.
struct categories {
    int operator()() & { return 1; }
    int operator()() const& { return 2; }
    int operator()() && { return 3; }
};

struct no_parameters {
    void operator()() {}
};

}  // namespace

TEST_CASE("a bound handler runs on its executor", "[token][bind_executor]") {
    rill::io_context io;
    rill::io_context home;
    std::size_t got = 0;
    async_answer({&io}, {}, 3, rill::bind_executor(home, [&got](error_code, std::size_t n) { got = n; }));
    CHECK(io.run() == 0);
    CHECK(got == 0);
    CHECK(home.run() == 1);
    CHECK(got == 3);
}

TEST_CASE("bind_executor takes an executor or a context", "[token][bind_executor]") {
    rill::io_context ctx;
    auto by_executor = rill::bind_executor(ctx.get_executor(), [] {});
    auto by_context = rill::bind_executor(ctx, [] {});
    STATIC_REQUIRE(std::is_same_v<decltype(by_context)::executor_type, rill::io_context::executor_type>);
    CHECK(by_executor.get_executor() == ctx.get_executor());
    CHECK(by_context.get_executor() == ctx.get_executor());
    CHECK(rill::get_associated_executor(by_context) == ctx.get_executor());
    CHECK(rill::get_associated_executor(by_context, rill::system_executor()) == ctx.get_executor());
}

TEST_CASE("the outer one of two bound executors counts", "[token][bind_executor]") {
    rill::io_context ctx;
    characteristics found;
    async_answer({&ctx, &found}, {}, 0,
                 rill::bind_executor(numbered_executor{&ctx, 1},
                                     rill::bind_executor(numbered_executor{&ctx, 2}, rill::detached)));
    CHECK(found.executor == 1);
    CHECK(ctx.run() == 1);
}

TEST_CASE("a bound executor says nothing about other characteristics", "[token][bind_executor]") {
    auto bound = rill::bind_executor(numbered_executor{nullptr, 1}, [] {});
    CHECK(token_test::characteristics_of(bound) == characteristics{1, 0, 0, false, {}});
}

TEST_CASE("a binder is called as its target is", "[token][bind_executor]") {
    auto bound = rill::bind_executor(numbered_executor{}, categories());
    CHECK(bound() == 1);
    CHECK(std::as_const(bound)() == 2);
    using binder = decltype(bound);
    CHECK(binder(bound)() == 3);
    STATIC_REQUIRE(std::is_same_v<binder::target_type, categories>);
    STATIC_REQUIRE(!std::is_invocable_v<binder, int>);
    STATIC_REQUIRE(!std::is_invocable_v<const rill::executor_binder<no_parameters, numbered_executor>&>);
    STATIC_REQUIRE(std::is_same_v<decltype(bound.get()), categories&>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::as_const(bound).get()), const categories&>);

    auto add = rill::bind_executor(numbered_executor{}, [](int a, std::unique_ptr<int> b) { return a + *b; });
    CHECK(add(1, std::make_unique<int>(2)) == 3);
}

TEST_CASE("a binder can be copied and moved as its target can", "[token][bind_executor]") {
    auto move_only =
        rill::bind_executor(numbered_executor{nullptr, 1}, [own = std::make_unique<int>(4)] { return *own; });
    STATIC_REQUIRE(!std::is_copy_constructible_v<decltype(move_only)>);
    auto moved = std::move(move_only);
    CHECK(moved() == 4);
    CHECK(moved.get_executor().number == 1);

    auto copyable =
        rill::bind_executor(numbered_executor{nullptr, 1}, [own = std::make_shared<int>(5)] { return *own; });
    auto copy = copyable;
    CHECK(copy() == copyable());
}

TEST_CASE("a binder converts to one of other types", "[token][bind_executor]") {
    rill::io_context ctx;
    struct number {
        int value;
        number(int v) : value(v) {}
    };
    rill::executor_binder<int, rill::io_context::executor_type> narrow(ctx.get_executor(), 7);
    rill::executor_binder<number, rill::any_io_executor> wide = narrow;
    CHECK(wide.get().value == 7);
    CHECK(wide.get_executor() == ctx.get_executor());
    rill::executor_binder<std::unique_ptr<const int>, rill::any_io_executor> moved =
        rill::bind_executor(ctx, std::make_unique<int>(8));
    CHECK(*moved.get() == 8);

    using numbered = rill::executor_binder<number, numbered_executor>;
    const numbered other_executor(rill::executor_arg, {nullptr, 2}, narrow);
    CHECK(other_executor.get().value == 7);
    CHECK(other_executor.get_executor().number == 2);
    CHECK(numbered(rill::executor_arg, {nullptr, 3}, 9).get().value == 9);
    STATIC_REQUIRE(!std::is_convertible_v<rill::executor_binder<std::nullptr_t, numbered_executor>, numbered>);
}

TEST_CASE("bind_executor without a token binds the default one", "[token][bind_executor]") {
    rill::io_context io;
    rill::io_context home;
    std::size_t got = 0;
    async_answer({&io}, {}, 3, rill::bind_executor(home))([&got](error_code, std::size_t n) { got = n; });
    CHECK(io.run() == 0);
    home.run();
    CHECK(got == 3);

    auto bound = rill::bind_executor(numbered_executor{nullptr, 4})(categories());
    STATIC_REQUIRE(std::is_same_v<decltype(bound), rill::executor_binder<categories, numbered_executor>>);
    CHECK(bound.get_executor().number == 4);
}

TEST_CASE("a bound token is judged by the token", "[token][bind_executor]") {
    using signature = void(error_code, std::size_t);
    using token = rill::executor_binder<no_parameters, numbered_executor>;
    STATIC_REQUIRE(rill::completion_token_for<token, void()>);
    STATIC_REQUIRE(!rill::completion_token_for<token, signature>);
    STATIC_REQUIRE(rill::completion_token_for<rill::executor_binder<rill::detached_t, numbered_executor>, signature>);
}
