// SPDX-License-Identifier: BSL-1.0
#include <rill/coroutine/operation_awaiter.hpp>

#include <support/catch.hpp>

#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/token/append.hpp>
#include <rill/token/redirect_disposition.hpp>

#include <token/answer.hpp>
#include <token/disposition.hpp>

using rill::use_awaitable;
using token_test::async_answer_as;
using token_test::verdict;

namespace {

rill::awaitable<void> await_verdicts(rill::io_context& ctx, int& steps) {
    const int n = co_await async_answer_as<verdict, int>({&ctx}, use_awaitable, verdict{0}, 5);
    CHECK(n == 5);
    ++steps;
    try {
        co_await async_answer_as<verdict>({&ctx}, use_awaitable, verdict{7});
    } catch (const token_test::rejected& e) {
        CHECK(e.number == 7);
        ++steps;
    }
    std::exception_ptr put_aside;
    const char c = co_await async_answer_as<verdict>(
        {&ctx}, rill::redirect_disposition(rill::append(use_awaitable, 'c'), put_aside), verdict{8});
    CHECK(c == 'c');
    CHECK_THROWS_AS(std::rethrow_exception(put_aside), token_test::rejected);
    ++steps;
}

}  // namespace

TEST_CASE("a user's disposition in front of the results is thrown, or put aside", "[coroutine][operation_awaiter]") {
    rill::io_context ctx;
    int steps = 0;
    rill::co_spawn(ctx, await_verdicts(ctx, steps), [](std::exception_ptr e) {
        if (e)
            std::rethrow_exception(e);
    });
    ctx.run();
    CHECK(steps == 3);
}
