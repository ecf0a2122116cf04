// SPDX-License-Identifier: BSL-1.0
#include <rill/compose/co_composed.hpp>

#include <rill/compose/write.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/bind_immediate_executor.hpp>
#include <rill/token/dispatch.hpp>
#include <rill/token/use_future.hpp>

#include <support/catch.hpp>

#include <compose/composition.hpp>
#include <token/answer.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>

using rill::cancellation_type;
using rill::deferred;
using rill::error_code;
using rill::local::stream_protocol;
using namespace composition_test;
using namespace std::chrono_literals;

namespace {

/// Sends back what comes, until there is no more.
template <class Token = rill::deferred_t>
auto async_echo(stream_protocol::socket& socket, Token&& token = {}) {
    return rill::async_initiate<Token, void(error_code, std::size_t)>(
        rill::co_composed<void(error_code, std::size_t)>(
            [](auto state, stream_protocol::socket& s) -> void {
                char data[4];
                std::size_t total = 0;
                try {
                    state.throw_if_cancelled(true);
                    for (;;) {
                        const std::size_t n = co_await s.async_read_some(rill::buffer(data));
                        co_await rill::async_write(s, rill::buffer(data, n));
                        total += n;
                    }
                } catch (const rill::system_error& e) {
                    co_return {e.code() == rill::error::eof ? error_code() : e.code(), total};
                }
            },
            socket),
        token, std::ref(socket));
}

/// Awaits an operation that is never done.
template <class Filter, class Token>
auto async_endless(endless_operation& op, Filter filter, rill::io_context& ctx, Token&& token) {
    return launch<void(error_code, cancellation_type)>(rill::co_composed<void(error_code, cancellation_type)>(
                                                           [&op, filter](auto state) -> void {
                                                               filter_by(state, filter);
                                                               auto [ec] =
                                                                   co_await op.async_wait(rill::as_tuple(deferred));
                                                               co_return {ec, state.cancelled()};
                                                           },
                                                           ctx),
                                                       std::forward<Token>(token));
}

template <class Filter>
cancellation_type cancelled_by(cancellation_type type, Filter filter) {
    rill::io_context ctx(1);
    endless_operation op(ctx);
    rill::cancellation_signal signal;
    error_code ec;
    auto seen = cancellation_type::none;
    async_endless(op, filter, ctx, bind_cancellation_slot(signal.slot(), [&](error_code e, cancellation_type t) {
                      ec = e;
                      seen = t;
                  }));
    signal.emit(type);
    ctx.poll();
    CHECK((ec == rill::error::operation_aborted) == !!seen);
    return seen;
}

}  // namespace

TEST_CASE("a coroutine becomes an operation for every token", "[compose][co_composed]") {
    rill::io_context ctx(1);
    stream_protocol::socket ours(ctx), theirs(ctx);
    rill::local::connect_pair(ours, theirs);
    theirs.write_some(rill::buffer("0123456789", 10));
    theirs.shutdown(rill::socket_base::shutdown_send);

    SECTION("a function") {
        std::size_t got = 0;
        async_echo(ours, [&](error_code ec, std::size_t n) {
            CHECK(!ec);
            got = n;
        });
        ctx.run();
        CHECK(got == 10);
    }
    SECTION("use_future") {
        auto future = async_echo(ours, rill::use_future);
        ctx.run();
        CHECK(future.get() == 10);
    }
    SECTION("deferred, in another such coroutine") {
        std::size_t got = 0;
        launch<void(std::size_t)>(rill::co_composed<void(std::size_t)>(
                                      [&](auto) -> void {
                                          const std::size_t n = co_await async_echo(ours);
                                          co_return {n + 1};
                                      },
                                      ctx),
                                  [&](std::size_t n) { got = n; });
        ctx.run();
        CHECK(got == 11);
    }
}

TEST_CASE("a coroutine that ends at once completes after the initiating function", "[compose][co_composed]") {
    rill::io_context ctx(1);
    bool called = false;
    auto start = [&](auto&& token) {
        called = false;
        launch<void(std::string)>(
            rill::co_composed<void(std::string)>([](auto, std::string s) -> void { co_return {s + "!"}; }, ctx),
            std::forward<decltype(token)>(token), "done");
    };
    rill::post(ctx, [&] {
        start([&](std::string s) { called = s == "done!"; });
        CHECK(!called);
    });
    ctx.run();
    CHECK(called);
    start(rill::bind_immediate_executor(rill::system_executor(), [&](std::string) { called = true; }));
    CHECK(called);
}

TEST_CASE("a coroutine that awaits what is done at once does not grow the stack", "[compose][co_composed]") {
    rill::io_context ctx(1);
    int got = 0;
    launch<void(int)>(rill::co_composed<void(int)>(
                          [&](auto) -> void {
                              int sum = 0;
                              for (int i = 0; i != 100'000; ++i) {
                                  co_await rill::dispatch(ctx, deferred);
                                  ++sum;
                              }
                              co_return {sum};
                          },
                          ctx),
                      [&](int n) { got = n; });
    ctx.run();
    CHECK(got == 100'000);
}

TEST_CASE("what a coroutine awaits has the executor, the allocator and the slot of the final handler",
          "[compose][co_composed]") {
    rill::io_context ctx(1);
    rill::cancellation_signal signal;
    token_test::characteristics found;
    auto run = [&](auto&& token) {
        found = {};
        launch<void(int)>(rill::co_composed<void(int)>(
                              [&](auto state) -> void {
                                  CHECK(state.get_io_executor() == ctx.get_executor());
                                  co_return {co_await token_test::async_answer_as<int>({&ctx, &found}, deferred, 7)};
                              },
                              ctx),
                          std::forward<decltype(token)>(token));
        ctx.restart();
        ctx.run();
    };
    int got = 0;
    run([&](int n) { got = n; });
    CHECK(got == 7);
    CHECK(found.executor == -1);  // the context's

    using token_test::numbered_allocator;
    using token_test::numbered_executor;
    run(rill::bind_executor(
        numbered_executor{&ctx, 1},
        rill::bind_allocator(
            numbered_allocator<int>(2),
            rill::bind_immediate_executor(numbered_executor{&ctx, 3},
                                          rill::bind_cancellation_slot(signal.slot(), [&](int n) { got = n + 1; })))));
    CHECK(got == 8);
    CHECK(found.executor == 1);
    CHECK(found.allocator == 2);
    CHECK(found.immediate_executor == 3);
    CHECK(found.slot.is_connected());
    CHECK(!(found.slot == signal.slot()));
}

TEST_CASE("the frame comes from the handler's allocator, and is free before the handler is called",
          "[compose][co_composed]") {
    rill::io_context ctx(1);
    memory_account account;
    auto run = [&](auto implementation, std::size_t blocks) {
        std::size_t at_the_end = 99;
        launch<void(int)>(
            rill::co_composed<void(int)>(implementation, ctx),
            rill::bind_allocator(counting_allocator<int>(account), [&](int) { at_the_end = account.blocks; }),
            std::ref(ctx));
        CHECK(account.blocks == blocks);
        ctx.restart();
        ctx.run();
        CHECK(at_the_end == 0);
    };
    auto empty = [](auto, rill::io_context& c) -> void {
        co_await rill::post(c, deferred);
        co_return {1};
    };
    run(empty, 2);  // the frame, and the operation that is awaited
    int n = 1;
    auto captures = [&n](auto, rill::io_context& c) -> void {
        co_await rill::post(c, deferred);
        co_return {n};
    };
    run(captures, 3);  // what it has captured, too
}

TEST_CASE("the captures of the coroutine live as long as it does, and may be move-only", "[compose][co_composed]") {
    rill::io_context ctx(1);
    int got = 0;
    {
        auto initiation = rill::co_composed<void(int)>(
            [&ctx, own = std::make_unique<int>(3)](auto, std::unique_ptr<int> more) -> void {
                co_await rill::post(ctx, deferred);
                co_return {*own + *more};
            },
            ctx);
        launch<void(int)>(
            std::move(initiation), [&got, own = std::make_unique<int>()](int n) { got = n; }, std::make_unique<int>(4));
    }
    ctx.run();
    CHECK(got == 7);
}

TEST_CASE("an exception leaves the initiating function before the first suspension, and then run()",
          "[compose][co_composed]") {
    rill::io_context ctx(1);
    auto alive = std::make_shared<int>();
    auto start = [&](bool at_once) {
        launch<void(int)>(rill::co_composed<void(int)>(
                              [&ctx, at_once, also = alive](auto) -> void {
                                  if (!at_once)
                                      co_await rill::post(ctx, deferred);
                                  throw std::out_of_range("far");
                                  co_return {1};
                              },
                              ctx),
                          [alive](int) { FAIL("called"); });
    };
    CHECK_THROWS_AS(start(true), std::out_of_range);
    CHECK(alive.use_count() == 1);
    start(false);
    CHECK(alive.use_count() == 3);
    CHECK_THROWS_AS(ctx.run(), std::out_of_range);
    CHECK(alive.use_count() == 1);
}

TEST_CASE("an operation that throws as it starts, throws in the coroutine", "[compose][co_composed]") {
    rill::io_context ctx(1);
    auto throwing = [](auto&& token) {
        return launch<void(int)>(
            [](auto handler) {
                auto here = std::move(handler);
                throw std::out_of_range("far");
            },
            token);
    };
    std::string said;
    launch<void(std::string)>(rill::co_composed<void(std::string)>(
                                  [&](auto) -> void {
                                      try {
                                          co_await throwing(deferred);
                                      } catch (const std::out_of_range& e) {
                                          co_return {std::string(e.what())};
                                      }
                                      co_return {std::string("nothing")};
                                  },
                                  ctx),
                              [&](std::string s) { said = s; });
    ctx.run();
    CHECK(said == "far");
}

TEST_CASE("a coroutine dies with its context, and with the operation that it awaits", "[compose][co_composed]") {
    auto alive = std::make_shared<int>();
    auto waits = [alive](auto, auto op) -> void {
        const auto local = alive;
        co_await op(deferred);
        co_return {1};
    };
    auto handler = [alive](int) { FAIL("called"); };
    auto forgotten = [](auto&& token) { return token_test::async_forget<>(token); };
    {
        rill::io_context ctx(1);
        launch<void(int)>(rill::co_composed<void(int)>(waits, ctx), handler, std::ref(forgotten));
        CHECK(alive.use_count() == 3);  // this, `waits` and `handler`

        rill::steady_timer timer(ctx, 1h);
        auto wait = [&](auto&& token) { return timer.async_wait(token); };
        launch<void(int)>(rill::co_composed<void(int)>(waits, ctx), handler, std::ref(wait));
        CHECK(alive.use_count() == 6);
        ctx.poll();
        CHECK(alive.use_count() == 6);
    }
    CHECK(alive.use_count() == 3);
}

TEST_CASE("a coroutine passes on terminal cancellation, and more if its filter says so", "[compose][co_composed]") {
    using enum cancellation_type;
    CHECK(cancelled_by(terminal, nullptr) == terminal);
    CHECK(cancelled_by(partial, nullptr) == none);
    CHECK(cancelled_by(total, nullptr) == none);
    CHECK(cancelled_by(partial, rill::enable_partial_cancellation()) == partial);
    CHECK(cancelled_by(total, rill::enable_partial_cancellation()) == none);
    CHECK(cancelled_by(total, rill::enable_total_cancellation()) == total);
    CHECK(cancelled_by(terminal, rill::disable_cancellation()) == none);
}

TEST_CASE("a cancelled coroutine goes on, throws, or completes, as it has said", "[compose][co_composed]") {
    rill::io_context ctx(1);
    rill::cancellation_signal signal;
    auto run = [&](auto prepare) {
        std::string said;
        launch<void(error_code, std::string)>(
            rill::co_composed<void(error_code, std::string)>(
                [&, prepare](auto state) -> void {
                    CHECK(!state.throw_if_cancelled());
                    CHECK(state.complete_if_cancelled());
                    prepare(state);
                    signal.emit(cancellation_type::terminal);
                    try {
                        auto [ec] = co_await rill::steady_timer(ctx, 0s).async_wait(rill::as_tuple(deferred));
                        co_return {ec, std::string("went on")};
                    } catch (const rill::system_error& e) {
                        co_return {e.code(), std::string("threw")};
                    }
                },
                ctx),
            rill::bind_cancellation_slot(signal.slot(), [&](error_code, std::string s) { said = std::move(s); }));
        ctx.restart();
        ctx.run();
        return said;
    };
    CHECK(run([](auto&) {}) == "went on");
    CHECK(run([](auto& state) { state.throw_if_cancelled(true); }) == "threw");
    auto completes = [](auto& state) {
        state.on_cancellation_complete_with(rill::error::operation_aborted, "completed");
    };
    CHECK(run(completes) == "completed");
    CHECK(run([&](auto& state) {
              completes(state);
              state.complete_if_cancelled(false);
          }) == "went on");
}

TEST_CASE("a cancellation while the coroutine runs reaches what it awaits next, unless it has looked",
          "[compose][co_composed]") {
    rill::io_context ctx(1);
    for (const bool look : {false, true}) {
        rill::cancellation_signal signal;
        error_code waited, cleaned = rill::error::eof;
        launch<void()>(rill::co_composed<void()>(
                           [&](auto state) -> void {
                               rill::steady_timer timer(ctx, look ? 0s : 3600s);
                               co_await rill::post(ctx, deferred);
                               signal.emit(cancellation_type::terminal);
                               if (look)
                                   CHECK(state.cancelled() == cancellation_type::terminal);
                               std::tie(waited) = co_await timer.async_wait(rill::as_tuple(deferred));
                               timer.expires_after(0s);
                               std::tie(cleaned) = co_await timer.async_wait(rill::as_tuple(deferred));
                               co_return {};
                           },
                           ctx),
                       rill::bind_cancellation_slot(signal.slot(), [] {}));
        ctx.restart();
        ctx.run();
        CHECK((waited == rill::error::operation_aborted) == !look);
        CHECK(!cleaned);
    }
}

TEST_CASE("a coroutine of several signatures says by co_yield which it means", "[compose][co_composed]") {
    rill::io_context ctx(1);
    struct both {
        std::string& said;
        void operator()(error_code ec) { said = ec.message(); }
        void operator()(error_code, std::unique_ptr<int> p) { said = std::to_string(*p); }
        void operator()() { said = "nothing"; }
    };
    std::string said;
    auto run = [&](int which) {
        launch<void(error_code), void(error_code, std::unique_ptr<int>), void()>(
            rill::co_composed<void(error_code), void(error_code, std::unique_ptr<int>), void()>(
                [&ctx, which](auto state) -> void {
                    co_await rill::post(ctx, deferred);
                    if (which == 0)
                        co_yield state.complete(rill::error::eof);
                    if (which == 1)
                        co_yield state.complete(error_code(), std::make_unique<int>(5));
                    if (which == 2)
                        co_yield state.complete();
                    co_return {error_code(rill::error::not_found)};
                },
                ctx),
            both{said});
        ctx.restart();
        ctx.run();
        return said;
    };
    CHECK(run(0) == error_code(rill::error::eof).message());
    CHECK(run(1) == "5");
    CHECK(run(2) == "nothing");
    CHECK(run(3) == error_code(rill::error::not_found).message());
}

TEST_CASE("a coroutine without results", "[compose][co_composed]") {
    rill::io_context ctx(1);
    bool done = false;
    launch<void()>(
        rill::co_composed<void()>(
            [](auto, rill::io_context& c) -> void {
                co_await rill::post(c, deferred);
                co_return {};
            },
            ctx),
        [&] { done = true; }, std::ref(ctx));
    ctx.run();
    CHECK(done);
}

TEST_CASE("the context of a coroutine's I/O object is kept at work while it awaits something else",
          "[compose][co_composed]") {
    rill::io_context ctx(1);
    rill::io_context other(1);
    bool done = false;
    launch<void()>(rill::co_composed<void()>(
                       [&](auto) -> void {
                           co_await launch<void()>(
                               [&](auto handler) { other.get_executor().execute(std::move(handler)); }, deferred);
                           co_return {};
                       },
                       ctx),
                   [&] { done = true; });
    CHECK(ctx.poll() == 0);
    CHECK(!ctx.stopped());
    other.run();
    CHECK(done);
    CHECK(ctx.run() == 0);
}
