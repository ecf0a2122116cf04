// SPDX-License-Identifier: BSL-1.0
#include <rill/token/any_completion_handler.hpp>

#include <rill/compose/compose.hpp>
#include <rill/coroutine/awaitable.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/token/bind_allocator.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/bind_immediate_executor.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/post.hpp>
#include <rill/token/use_future.hpp>

#include <support/catch.hpp>

#include <token/answer.hpp>

#include <chrono>
#include <memory>
#include <string>

using rill::any_completion_handler;
using rill::error_code;
using token_test::numbered_allocator;
using token_test::numbered_executor;
using namespace std::chrono_literals;

namespace {

/// An operation whose body is no template.
void start_wait(rill::steady_timer& timer, any_completion_handler<void(error_code, int)> handler) {
    auto ex = rill::get_associated_executor(handler, timer.get_executor());
    auto slot = handler.get_cancellation_slot();
    timer.async_wait(rill::bind_executor(
        ex, rill::bind_cancellation_slot(slot, [h = std::move(handler)](error_code ec) mutable { h(ec, 7); })));
}

template <class Token = rill::deferred_t>
auto async_erased_wait(rill::steady_timer& timer, Token&& token = {}) {
    return rill::async_initiate<Token, void(error_code, int)>(
        [&timer](any_completion_handler<void(error_code, int)> handler) { start_wait(timer, std::move(handler)); },
        token);
}

}  // namespace

TEST_CASE("any completion handler is called once and then empty", "[token][any_completion_handler]") {
    any_completion_handler<void(int)> empty;
    CHECK(!empty);
    CHECK(empty == nullptr);
    int got = 0;
    any_completion_handler<void(int)> h([&got, own = std::make_unique<int>(2)](int n) { got = n + *own; });
    CHECK(h);
    CHECK(h != nullptr);
    any_completion_handler<void(int)> other(std::move(h));
    CHECK(!h);
    swap(h, other);
    h(5);
    CHECK(got == 7);
    CHECK(!h);
    STATIC_REQUIRE(!std::is_copy_constructible_v<any_completion_handler<void(int)>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<any_completion_handler<void(int)>>);
    STATIC_REQUIRE(!std::is_constructible_v<any_completion_handler<void(int)>, void (*)(std::string)>);
    STATIC_REQUIRE(sizeof(h) == sizeof(void*));
}

TEST_CASE("any completion handler destroys what it has not called", "[token][any_completion_handler]") {
    auto alive = std::make_shared<int>();
    {
        any_completion_handler<void()> h([alive] {});
        any_completion_handler<void()> g([alive] {});
        h = std::move(g);
        CHECK(alive.use_count() == 2);
        h = nullptr;
        CHECK(alive.use_count() == 1);
        h = [alive] {};
    }
    CHECK(alive.use_count() == 1);
}

TEST_CASE("any completion handler of several signatures, with references and move-only arguments",
          "[token][any_completion_handler]") {
    struct all {
        std::string& said;
        void operator()(error_code ec, std::unique_ptr<int> p) { said = ec ? "error" : std::to_string(*p); }
        void operator()(const std::string& s) { said = s; }
        void operator()(std::string& s) noexcept { s = "changed"; }
    };
    using any = any_completion_handler<void(error_code, std::unique_ptr<int>), void(const std::string&),
                                       void(std::string&) noexcept>;
    std::string said;
    any(all{said})(error_code(), std::make_unique<int>(3));
    CHECK(said == "3");
    const std::string text = "text";
    any(all{said})(text);
    CHECK(said == "text");
    std::string changing;
    any(all{said})(changing);
    CHECK(changing == "changed");
}

TEST_CASE("any completion handler allocates once, from the target's allocator, and frees before the call",
          "[token][any_completion_handler]") {
    std::size_t allocations = 0;
    int got = 0;
    any_completion_handler<void(int)> h(
        rill::bind_allocator(numbered_allocator<int>(4, &allocations), [&](int n) { got = n; }));
    CHECK(allocations == 1);
    any_completion_handler<void(int)> moved(std::move(h));
    CHECK(allocations == 1);

    auto a = rill::get_associated_allocator(moved);
    using traits = std::allocator_traits<decltype(a)>;
    auto of_long = typename traits::template rebind_alloc<long>(a);
    long* p = of_long.allocate(3);
    CHECK(allocations == 2);
    of_long.deallocate(p, 3);
    CHECK(of_long == typename traits::template rebind_alloc<int>(a));
    moved(5);
    CHECK(got == 5);
}

TEST_CASE("any completion handler forwards executors and the slot", "[token][any_completion_handler]") {
    rill::io_context ctx;
    rill::cancellation_signal signal;
    const auto io = ctx.get_executor();
    const rill::any_completion_executor one = numbered_executor{&ctx, 1};
    const rill::any_completion_executor three = numbered_executor{&ctx, 3};

    any_completion_handler<void()> plain([] {});
    CHECK(rill::get_associated_executor(plain, io) == rill::any_completion_executor(io));
    CHECK(rill::get_associated_executor(plain) == rill::any_completion_executor(rill::system_executor()));
    CHECK(rill::get_associated_immediate_executor(plain, io) ==
          rill::any_completion_executor(rill::require(io, rill::execution::blocking.never)));
    CHECK(!rill::get_associated_cancellation_slot(plain).is_connected());

    any_completion_handler<void()> bound(
        rill::bind_executor(numbered_executor{&ctx, 1}, rill::bind_cancellation_slot(signal.slot(), [] {})));
    CHECK(rill::get_associated_executor(bound, io) == one);
    CHECK(rill::get_associated_immediate_executor(bound, io) == one);  // rather than where it does not belong
    CHECK(rill::get_associated_cancellation_slot(bound) == signal.slot());

    any_completion_handler<void()> immediate(rill::bind_immediate_executor(numbered_executor{&ctx, 3}, [] {}));
    CHECK(rill::get_associated_executor(immediate, io) == rill::any_completion_executor(io));
    CHECK(rill::get_associated_immediate_executor(immediate, io) == three);
}

TEST_CASE("an operation with an erased handler takes every token", "[token][any_completion_handler]") {
    rill::io_context ctx(1);
    rill::io_context home(1);
    rill::steady_timer timer(ctx, 0s);
    auto future = async_erased_wait(timer, rill::use_future);
    int by_call = 0, by_await = 0;
    async_erased_wait(timer, rill::bind_executor(home, [&](error_code, int n) {
                          by_call = home.get_executor().running_in_this_thread() ? n : -1;
                      }));
    co_spawn(
        ctx, [&]() -> rill::awaitable<void> { by_await = co_await async_erased_wait(timer); }, rill::detached);
    ctx.run();
    home.run();
    CHECK(future.get() == 7);
    CHECK(by_call == 7);
    CHECK(by_await == 7);

    rill::cancellation_signal signal;
    error_code got;
    timer.expires_after(1h);
    async_erased_wait(timer, rill::bind_cancellation_slot(signal.slot(), [&](error_code ec, int) { got = ec; }));
    signal.emit(rill::cancellation_type::terminal);
    ctx.restart();
    ctx.run();
    CHECK(got == rill::error::operation_aborted);
}

TEST_CASE("an erased handler goes straight to the library's operations, and dies with their context",
          "[token][any_completion_handler]") {
    auto alive = std::make_shared<int>();
    int done = 0;
    {
        rill::io_context ctx(1);
        rill::steady_timer soon(ctx, 0s);
        rill::steady_timer late(ctx, 1h);
        std::size_t allocations = 0;
        any_completion_handler<void(error_code)> first(
            rill::bind_allocator(numbered_allocator<int>(1, &allocations), [&, alive](error_code) { ++done; }));
        any_completion_handler<void(error_code)> second([alive](error_code) { FAIL("called"); });
        soon.async_wait(std::move(first));
        late.async_wait(std::move(second));
        CHECK(allocations == 2);  // the handler's, and the operation's
        ctx.run_one();
        CHECK(done == 1);
        CHECK(alive.use_count() == 2);
    }
    CHECK(alive.use_count() == 1);
}

TEST_CASE("an erased handler waits for coroutines and compositions that end at once",
          "[token][any_completion_handler]") {
    rill::io_context ctx(1);
    int done = 0;
    bool returned = false;
    auto note = [&](auto...) { done += returned ? 1 : 100; };
    rill::post(ctx, [&] {
        co_spawn(
            ctx, []() -> rill::awaitable<void> { co_return; }, any_completion_handler<void(std::exception_ptr)>(note));
        any_completion_handler<void(int)> handler(note);
        rill::async_compose<any_completion_handler<void(int)>, void(int)>([](auto& self) { self.complete(1); }, handler,
                                                                          ctx);
        returned = true;
    });
    ctx.run();
    CHECK(done == 2);
}
