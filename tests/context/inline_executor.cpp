// SPDX-License-Identifier: BSL-1.0
#include <rill/context/inline_executor.hpp>

#include <rill/context/io_context.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/dispatch.hpp>
#include <rill/token/post.hpp>

#include <support/catch.hpp>

#include <memory>
#include <stdexcept>
#include <thread>

namespace execution = rill::execution;
using rill::inline_executor;

TEST_CASE("an inline executor runs a function before execute() returns, on this thread", "[context][inline_executor]") {
    std::thread::id where;
    auto move_only = std::make_unique<int>(1);
    inline_executor().execute([&where, m = std::move(move_only)] { where = std::this_thread::get_id(); });
    CHECK(where == std::this_thread::get_id());

    int calls = 0;
    const auto named = [&calls] { ++calls; };
    inline_executor().execute(named);
    rill::dispatch(inline_executor(), named);
    CHECK(calls == 2);
}

TEST_CASE("what a function throws passes through an inline executor", "[context][inline_executor]") {
    CHECK_THROWS_AS(inline_executor().execute([] { throw std::runtime_error("x"); }), std::runtime_error);
}

TEST_CASE("an inline executor always blocks, and cannot be required not to", "[context][inline_executor]") {
    STATIC_REQUIRE(execution::executor<inline_executor>);
    STATIC_REQUIRE(rill::query(inline_executor(), execution::blocking) == execution::blocking.always);
    STATIC_REQUIRE(rill::query(inline_executor(), execution::outstanding_work) ==
                   execution::outstanding_work.untracked);
    STATIC_REQUIRE(rill::query(inline_executor(), execution::mapping) == execution::mapping.thread);
    STATIC_REQUIRE(rill::query(inline_executor(), execution::inline_exception_handling) ==
                   execution::inline_exception_handling.propagate);
    STATIC_REQUIRE(!rill::requirable_for<inline_executor, execution::blocking_t::never_t>);
    STATIC_REQUIRE(rill::require(inline_executor(), execution::blocking.always) == inline_executor());
}

TEST_CASE("a handler on an inline executor runs where its operation completes", "[context][inline_executor]") {
    rill::io_context context;
    int calls = 0;
    rill::post(context, rill::bind_executor(inline_executor(), [&calls] { ++calls; }));
    CHECK(calls == 0);
    CHECK(context.run() == 1);  // not one for the function and one for the way to the handler's executor
    CHECK(calls == 1);
}
