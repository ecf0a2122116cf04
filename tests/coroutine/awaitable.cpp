// SPDX-License-Identifier: BSL-1.0
#include <rill/coroutine/awaitable.hpp>

#include <rill/context/io_context.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/token/deferred.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/dispatch.hpp>
#include <rill/token/post.hpp>

#include <support/catch.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using rill::awaitable;

namespace {

/// Runs a coroutine to its end on a context of its own, and rethrows what it threw.
template <class T>
T run(awaitable<T> a) {
    rill::io_context ctx(1);
    std::exception_ptr error;
    std::optional<std::conditional_t<std::is_void_v<T>, int, T>> result;
    if constexpr (std::is_void_v<T>)
        co_spawn(ctx, std::move(a), [&](std::exception_ptr e) { error = e; });
    else
        co_spawn(ctx, std::move(a), [&](std::exception_ptr e, T value) {
            error = e;
            result = std::move(value);
        });
    ctx.run();
    if (error)
        std::rethrow_exception(error);
    if constexpr (!std::is_void_v<T>)
        return std::move(result.value());
}

awaitable<int> answer() { co_return 42; }
awaitable<int&> reference(int& i) { co_return i; }
awaitable<void> fails() {
    throw std::runtime_error("as it should");
    co_return;
}
awaitable<std::int64_t> sum(std::int64_t n) {
    if (n == 0)
        co_return 0;
    co_return n + co_await sum(n - 1);
}

/// Tells when it dies.
struct witness {
    explicit witness(int& c) : count(&c) {}
    witness(witness&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
    ~witness() {
        if (count)
            ++*count;
    }
    int* count;
};

}  // namespace

TEST_CASE("an awaitable yields values, references, move-only objects and nothing", "[coroutine]") {
    int i = 1;
    run([](int& target) -> awaitable<void> {
        int value = co_await answer();
        CHECK(value == 42);
        (co_await reference(target)) = 7;
        auto p = co_await []() -> awaitable<std::unique_ptr<int>> { co_return std::make_unique<int>(3); }();
        CHECK(*p == 3);
    }(i));
    CHECK(i == 7);
    CHECK(run(answer()) == 42);
}

TEST_CASE("an exception reaches the awaiting coroutine, and the handler in the end", "[coroutine]") {
    bool caught = run([]() -> awaitable<bool> {
        try {
            co_await fails();
        } catch (const std::runtime_error&) {
            co_return true;
        }
        co_return false;
    }());
    CHECK(caught);
    CHECK_THROWS_AS(run(fails()), std::runtime_error);
}

TEST_CASE("an awaitable is lazy: one that is never awaited never runs and frees its frame", "[coroutine]") {
    int destroyed = 0;
    bool ran = false;
    {
        auto a = [](witness, bool& r) -> awaitable<void> {
            r = true;
            co_return;
        }(witness(destroyed), ran);
        CHECK(a.valid());
    }
    CHECK_FALSE(ran);
    CHECK(destroyed == 1);
}

TEST_CASE("a hundred thousand nested awaits use constant stack", "[coroutine]") {
    CHECK(run(sum(100'000)) == 5'000'050'000);
}

TEST_CASE("a hundred thousand frames are destroyed without recursion", "[coroutine]") {
    rill::io_context ctx(1);
    rill::steady_timer timer(ctx, std::chrono::hours(1));
    struct descend {
        static awaitable<void> to(int n, rill::steady_timer& t) {
            if (n == 0)
                co_await t.async_wait(rill::deferred);
            else
                co_await to(n - 1, t);
        }
    };
    co_spawn(ctx, descend::to(100'000, timer), rill::detached);
    CHECK(ctx.poll() == 1);
}

TEST_CASE("a million completions that resume at once use constant stack", "[coroutine]") {
    auto loop = []() -> awaitable<int> {
        auto ex = co_await rill::this_coro::executor;
        int n = 0;
        for (int i = 0; i < 1'000'000; ++i) {
            co_await dispatch(ex, rill::deferred);
            ++n;
        }
        co_return n;
    };
    CHECK(run(loop()) == 1'000'000);
}

TEST_CASE("a million awaits of a coroutine that returns at once use constant stack", "[coroutine]") {
    auto loop = []() -> awaitable<long> {
        long n = 0;
        for (int i = 0; i < 1'000'000; ++i)
            n += co_await answer();
        co_return n;
    };
    CHECK(run(loop()) == 42'000'000);
}

TEST_CASE("awaiting an operation that fails throws its error", "[coroutine]") {
    run([]() -> awaitable<void> {
        rill::steady_timer timer(co_await rill::this_coro::executor, std::chrono::hours(1));
        auto ex = co_await rill::this_coro::executor;
        post(ex, [&] { timer.cancel(); });
        try {
            co_await timer.async_wait(rill::use_awaitable);
            CHECK(false);
        } catch (const rill::system_error& e) {
            CHECK(e.code() == rill::error::operation_aborted);
        }
    }());
}

TEST_CASE("an operation given use_awaitable converts to an awaitable", "[coroutine]") {
    run([]() -> awaitable<void> {
        auto ex = co_await rill::this_coro::executor;
        rill::steady_timer timer(ex);
        awaitable<void> a = timer.async_wait(rill::use_awaitable);
        co_await std::move(a);
        auto later = timer.async_wait(rill::use_awaitable);
        co_await std::move(later);
        co_await post(ex, rill::use_awaitable);
        co_await post(ex);
    }());
}

TEST_CASE("a named deferred operation can be awaited again and again", "[coroutine]") {
    run([]() -> awaitable<void> {
        auto ex = co_await rill::this_coro::executor;
        int calls = 0;
        auto answer = [&calls, given = std::vector<int>{4}](auto handler) mutable {
            calls += static_cast<int>(given.size());
            std::move(handler)(calls);
        };
        auto operation = rill::async_initiate<const rill::deferred_t, void(int)>(answer, rill::deferred);
        int first = co_await operation;
        int second = co_await operation;
        CHECK(first == 1);
        CHECK(second == 2);
        co_await post(ex, rill::deferred);
    }());
}

TEST_CASE("destroying the context destroys the frames of every caller, and calls nobody", "[coroutine]") {
    int destroyed = 0;
    bool called = false;
    {
        rill::io_context ctx(1);
        co_spawn(
            ctx,
            [&]() -> awaitable<void> {
                witness outer(destroyed);
                co_await [](int& d) -> awaitable<void> {
                    witness inner(d);
                    rill::steady_timer timer(co_await rill::this_coro::executor, std::chrono::hours(1));
                    co_await timer.async_wait(rill::deferred);
                }(destroyed);
            },
            [&, w = witness(destroyed)](std::exception_ptr) { called = true; });
        ctx.poll();
        CHECK(destroyed == 0);
    }
    CHECK(destroyed == 3);
    CHECK_FALSE(called);
}

TEST_CASE("an operation that throws as it starts, throws where it is awaited", "[coroutine]") {
    run([]() -> awaitable<void> {
        auto throwing = [](auto handler) {
            auto here = std::move(handler);
            throw std::out_of_range("far");
        };
        bool caught = false;
        try {
            co_await rill::async_initiate<const rill::deferred_t&, void()>(throwing, rill::deferred);
        } catch (const std::out_of_range&) {
            caught = true;
        }
        CHECK(caught);
        co_await post(co_await rill::this_coro::executor, rill::deferred);
    }());
}

TEST_CASE("a coroutine whose operation drops its handler as it starts is destroyed", "[coroutine]") {
    int destroyed = 0;
    rill::io_context ctx(1);
    co_spawn(
        ctx,
        [&]() -> awaitable<void> {
            witness here(destroyed);
            auto forgetting = [](auto handler) { (void)handler; };
            co_await rill::async_initiate<const rill::deferred_t&, void()>(forgetting, rill::deferred);
            FAIL("goes on");
        },
        [w = witness(destroyed)](std::exception_ptr) { FAIL("called"); });
    ctx.run();
    CHECK(destroyed == 2);
}
