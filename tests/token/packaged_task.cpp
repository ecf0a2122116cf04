// SPDX-License-Identifier: BSL-1.0
#include <rill/token/packaged_task.hpp>

#include <rill/context/io_context.hpp>
#include <rill/token/post.hpp>

#include <support/catch.hpp>

#include <token/answer.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <type_traits>

using namespace std::chrono_literals;

TEST_CASE("a packaged_task as a token returns its future", "[token][packaged_task]") {
    rill::io_context context;
    auto future = rill::post(context, std::packaged_task<int()>([m = std::make_unique<int>(7)] { return *m; }));
    STATIC_REQUIRE(std::is_same_v<decltype(future), std::future<int>>);
    CHECK(future.wait_for(0s) == std::future_status::timeout);
    context.run();
    REQUIRE(future.wait_for(0s) == std::future_status::ready);
    CHECK(future.get() == 7);

    std::packaged_task<void()> named([] {});
    std::future<void> done = rill::post(context, std::move(named));
    context.restart();
    context.run();
    REQUIRE(done.wait_for(0s) == std::future_status::ready);
    done.get();
}

TEST_CASE("a packaged_task is called with the operation's results", "[token][packaged_task]") {
    rill::io_context context;
    std::packaged_task<std::size_t(rill::error_code, std::size_t)> task(
        [](rill::error_code ec, std::size_t n) { return ec ? 0 : n; });
    std::future<std::size_t> future = token_test::async_answer({&context}, rill::error_code(), 5, std::move(task));
    context.run();
    REQUIRE(future.wait_for(0s) == std::future_status::ready);
    CHECK(future.get() == 5);
}

TEST_CASE("what a packaged_task throws comes out of its future", "[token][packaged_task]") {
    rill::io_context context;
    auto future = rill::post(context, std::packaged_task<void()>([] { throw std::runtime_error("x"); }));
    CHECK(context.run() == 1);
    CHECK_THROWS_AS(future.get(), std::runtime_error);

    auto broken = token_test::async_forget<>(std::packaged_task<void()>([] {}));
    CHECK_THROWS_AS(broken.get(), std::future_error);
}

TEST_CASE("a packaged_task that takes other arguments is no token", "[token][packaged_task]") {
    STATIC_REQUIRE(rill::completion_token_for<std::packaged_task<int(long)>, void(int)>);
    STATIC_REQUIRE(rill::completion_token_for<std::packaged_task<int(int)>, void(int) noexcept>);
    STATIC_REQUIRE(!rill::completion_token_for<std::packaged_task<int()>, void(int)>);
    STATIC_REQUIRE(!rill::completion_token_for<std::packaged_task<int()>&, void()>);  // it cannot be copied
}
