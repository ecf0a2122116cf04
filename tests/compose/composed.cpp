// SPDX-License-Identifier: BSL-1.0
#include <rill/compose/composed.hpp>

#include <rill/compose/write.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/bind_immediate_executor.hpp>
#include <rill/token/use_future.hpp>

#include <support/catch.hpp>

#include <compose/composition.hpp>
#include <token/answer.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

using rill::cancellation_type;
using rill::error_code;
using namespace composition_test;
using namespace std::chrono_literals;

namespace {

/// Posts itself a few times, then tells how often it was called.
template <class Token>
auto async_count(rill::io_context& ctx, int steps, Token&& token) {
    return rill::async_initiate<Token, void(error_code, int)>(rill::composed<void(error_code, int)>(
                                                                  [calls = 0, &ctx](auto& self, int most = 0) mutable {
                                                                      static int limit;
                                                                      if (calls++ == 0)
                                                                          limit = most;
                                                                      if (calls <= limit)
                                                                          return rill::post(ctx, std::move(self));
                                                                      self.complete(error_code(), calls);
                                                                  },
                                                                  ctx),
                                                              token, steps);
}

/// Waits for an operation that is never done.
template <class Filter, class Token>
auto async_endless(endless_operation& op, Filter filter, rill::io_context& ctx, Token&& token) {
    return rill::async_initiate<Token, void(error_code, cancellation_type)>(
        rill::composed<void(error_code, cancellation_type)>(
            [&op, filter, started = false](auto& self, error_code ec = {}) mutable {
                if (std::exchange(started, true))
                    return self.complete(ec, self.cancelled());
                filter_by(self, filter);
                op.async_wait(std::move(self));
            },
            ctx),
        token);
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

TEST_CASE("the first call of a composed operation has the arguments, the others what the steps yield",
          "[compose][composed]") {
    rill::io_context ctx(1);
    int calls = 0;
    async_count(ctx, 3, [&](error_code ec, int n) {
        CHECK(!ec);
        calls = n;
    });
    CHECK(calls == 0);
    ctx.run();
    CHECK(calls == 4);
}

TEST_CASE("a composed operation takes every token, also deferred more than once", "[compose][composed]") {
    rill::io_context ctx(1);
    auto future = async_count(ctx, 2, rill::use_future);
    ctx.run();
    CHECK(future.get() == 3);

    ctx.restart();
    auto op = async_count(ctx, 2, rill::deferred);
    int sum = 0;
    auto add = [&](error_code, int n) { sum += n; };
    op(add);
    ctx.run();
    ctx.restart();
    std::move(op)(add);
    ctx.run();
    CHECK(sum == 6);
}

TEST_CASE("a completion in the first call is delivered after the initiating function", "[compose][composed]") {
    rill::io_context ctx(1);
    rill::io_context other(1);
    bool called = false;
    auto start = [&](auto&& token) {
        called = false;
        return launch<void(std::string)>(
            rill::composed<void(std::string)>([](auto& self) { self.complete("done"); }, ctx), token);
    };
    rill::post(ctx, [&] {
        start([&](std::string s) { called = s == "done"; });
        CHECK(!called);
    });
    ctx.run();
    CHECK(called);

    start(rill::bind_executor(other, [&](std::string) { called = true; }));
    ctx.restart();
    ctx.run();
    CHECK(!called);
    other.run();
    CHECK(called);

    start(rill::bind_immediate_executor(rill::system_executor(), [&](std::string) { called = true; }));
    CHECK(called);
}

TEST_CASE("a completion at once takes its memory from the handler's allocator, on an immediate executor too",
          "[compose][composed]") {
    rill::io_context ctx(1);
    std::size_t allocations = 0;
    bool called = false;
    launch<void()>(rill::composed<void()>([](auto& self) { self.complete(); }, ctx),
                   rill::bind_allocator(token_test::numbered_allocator<void>(1, &allocations),
                                        rill::bind_immediate_executor(ctx.get_executor(), [&] { called = true; })));
    CHECK(allocations == 2);  // of the operation, and then of the posted handler
    ctx.run();
    CHECK(called);
}

TEST_CASE("the steps have the executor, the allocator and the slot of the final handler", "[compose][composed]") {
    rill::io_context ctx(1);
    rill::cancellation_signal signal;
    token_test::characteristics found;
    auto run = [&](auto&& token) {
        found = {};
        launch<void(int)>(rill::composed<void(int)>(
                              [&, step = 0](auto& self, int n = 0) mutable {
                                  if (step++ == 1)
                                      return self.complete(n);
                                  token_test::async_answer_as<int>({&ctx, &found}, std::move(self), 7);
                              },
                              ctx),
                          token);
        ctx.restart();
        ctx.run();
    };
    int got = 0;
    run([&](int n) { got = n; });
    CHECK(got == 7);
    CHECK(found.executor == -1);  // the context's
    CHECK(found.allocator == 0);
    CHECK(!found.has_slot);

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
    CHECK(found.has_slot);
    CHECK(found.slot.is_connected());
    CHECK(!(found.slot == signal.slot()));
}

TEST_CASE("a composed operation has one block of memory, which is free before the handler is called",
          "[compose][composed]") {
    rill::io_context ctx(1);
    memory_account account;
    std::size_t at_the_end = 99;
    launch<void(int)>(
        rill::composed<void(int)>(
            [step = 0, &ctx, &account](auto& self) mutable {
                CHECK(account.blocks == 1);
                if (step++ == 3)
                    return self.complete(1);
                rill::post(ctx, std::move(self));
            },
            ctx),
        rill::bind_allocator(counting_allocator<int>(account), [&](int) { at_the_end = account.blocks; }));
    ctx.run();
    CHECK(at_the_end == 0);
    CHECK(account.most == 2);  // its own, and that of the step
}

TEST_CASE("the state of a composed operation may be move-only, and so may the handler", "[compose][composed]") {
    rill::io_context ctx(1);
    int got = 0;
    auto handler = [&got, own = std::make_unique<int>(2)](std::unique_ptr<int> n) { got = *n + *own; };
    launch<void(std::unique_ptr<int>)>(rill::composed<void(std::unique_ptr<int>)>(
                                           [&ctx, own = std::make_unique<int>(5),
                                            started = false](auto& self, std::unique_ptr<int> more = nullptr) mutable {
                                               if (more)
                                                   *own += *more;
                                               if (std::exchange(started, true))
                                                   return self.complete(std::move(own));
                                               rill::post(ctx, std::move(self));
                                           },
                                           ctx),
                                       std::move(handler), std::make_unique<int>(10));
    ctx.run();
    CHECK(got == 17);
}

TEST_CASE("an implementation may go on after std::move(self)", "[compose][composed]") {
    rill::io_context ctx(1);
    bool done = false;
    int after = 0;
    auto handler = [&](int) { done = true; };
    launch<void(int)>(rill::composed<void(int)>(
                          [&, step = 0](auto& self) mutable {
                              if (step == 1)
                                  return self.complete(1);
                              step = 1;
                              ctx.get_executor().execute([s = std::move(self)]() mutable { s(); });
                              ctx.run();  // the whole operation
                              CHECK(done);
                              after = step;
                          },
                          ctx),
                      handler);
    CHECK(after == 1);
}

TEST_CASE("an exception of the first call leaves the initiating function, of another one run()",
          "[compose][composed]") {
    rill::io_context ctx(1);
    auto alive = std::make_shared<int>();
    auto start = [&](int throwing_call) {
        auto handler = [alive](int) { FAIL("called"); };
        launch<void(int)>(rill::composed<void(int)>(
                              [&ctx, throwing_call, call = 0](auto& self) mutable {
                                  if (call++ == throwing_call)
                                      throw std::out_of_range("far");
                                  rill::post(ctx, std::move(self));
                              },
                              ctx),
                          std::move(handler));
    };
    CHECK_THROWS_AS(start(0), std::out_of_range);
    CHECK(alive.use_count() == 1);
    start(2);
    CHECK_THROWS_AS(ctx.run(), std::out_of_range);
    CHECK(ctx.run() == 0);
}

TEST_CASE("a composed operation that is dropped, or dies with its context, destroys the handler",
          "[compose][composed]") {
    auto alive = std::make_shared<int>();
    {
        rill::io_context ctx(1);
        auto handler = [alive](int) { FAIL("called"); };
        launch<void(int)>(rill::composed<void(int)>([](auto&) {}, ctx), handler);
        CHECK(alive.use_count() == 2);

        auto timer = std::make_unique<rill::steady_timer>(ctx, 1h);
        launch<void(int)>(rill::composed<void(int)>(
                              [t = std::move(timer)](auto& self, error_code = {}) mutable {
                                  auto& waits = *t;
                                  waits.async_wait(std::move(self));
                              },
                              ctx),
                          handler);
        CHECK(alive.use_count() == 3);
        CHECK(ctx.poll() == 0);
    }
    CHECK(alive.use_count() == 1);
}

TEST_CASE("a composed operation passes on terminal cancellation, and more if its filter says so",
          "[compose][composed]") {
    using enum cancellation_type;
    CHECK(cancelled_by(terminal, nullptr) == terminal);
    CHECK(cancelled_by(partial, nullptr) == none);
    CHECK(cancelled_by(total, nullptr) == none);
    CHECK(cancelled_by(partial, rill::enable_partial_cancellation()) == partial);
    CHECK(cancelled_by(total, rill::enable_partial_cancellation()) == none);
    CHECK(cancelled_by(total, rill::enable_total_cancellation()) == total);
    CHECK(cancelled_by(terminal, rill::disable_cancellation()) == none);
}

TEST_CASE("a composed operation tells two filters apart", "[compose][composed]") {
    rill::io_context ctx(1);
    endless_operation op(ctx);
    rill::cancellation_signal signal;
    auto reached = cancellation_type::none;
    op.async_wait(rill::bind_cancellation_slot(signal.slot(), [](error_code) {}));
    auto handler = rill::bind_cancellation_slot(signal.slot(), [](error_code) {});
    rill::cancellation_state state;
    launch<void(error_code)>(rill::composed<void(error_code)>(
                                 [&](auto& self, error_code = {}) {
                                     self.reset_cancellation_state(rill::enable_total_cancellation(),
                                                                   rill::enable_terminal_cancellation());
                                     state = self.get_cancellation_state();
                                     self.get_cancellation_slot().assign([&](cancellation_type t) { reached = t; });
                                 },
                                 ctx),
                             std::move(handler));
    signal.emit(cancellation_type::total);
    CHECK(state.cancelled() == cancellation_type::total);
    CHECK(reached == cancellation_type::none);
}

TEST_CASE("a cancellation between two steps is seen, and reaches a step that is started without looking",
          "[compose][composed]") {
    rill::io_context ctx(1);
    for (const bool look : {false, true}) {
        ctx.restart();
        rill::cancellation_signal signal;
        rill::steady_timer timer(ctx, 1h);
        error_code got;
        auto handler = rill::bind_cancellation_slot(signal.slot(), [&](error_code ec) { got = ec; });
        launch<void(error_code)>(rill::composed<void(error_code)>(
                                     [&, step = 0](auto& self, error_code ec = {}) mutable {
                                         switch (step++) {
                                         case 0: return rill::post(ctx, std::move(self));
                                         case 1:
                                             signal.emit(cancellation_type::terminal);
                                             if (look && !!self.cancelled())
                                                 return self.complete(rill::error::operation_aborted);
                                             return timer.async_wait(std::move(self));
                                         default: return self.complete(ec);
                                         }
                                     },
                                     ctx),
                                 std::move(handler));
        ctx.run();
        CHECK(got == rill::error::operation_aborted);
    }
}

TEST_CASE("a cancellation that has been looked at does not disturb what is started to clean up",
          "[compose][composed]") {
    rill::io_context ctx(1);
    rill::cancellation_signal signal;
    rill::steady_timer timer(ctx);
    error_code cleaned = rill::error::eof;
    auto handler = rill::bind_cancellation_slot(signal.slot(), [&](error_code ec) { cleaned = ec; });
    launch<void(error_code)>(rill::composed<void(error_code)>(
                                 [&, step = 0](auto& self, error_code ec = {}) mutable {
                                     switch (step++) {
                                     case 0: timer.expires_after(1h); return timer.async_wait(std::move(self));
                                     case 1:
                                         CHECK(ec == rill::error::operation_aborted);
                                         CHECK(self.cancelled() == cancellation_type::terminal);
                                         timer.expires_after(0s);
                                         return timer.async_wait(std::move(self));
                                     default: return self.complete(ec);
                                     }
                                 },
                                 ctx),
                             std::move(handler));
    signal.emit(cancellation_type::terminal);
    ctx.run();
    CHECK(!cleaned);
}

TEST_CASE("a state that is reset forgets what came before the operation was started", "[compose][composed]") {
    rill::io_context ctx(1);
    rill::cancellation_signal signal;
    auto before = cancellation_type::none, after = cancellation_type::all;
    auto inner = [&](auto&& token) {
        return launch<void()>(rill::composed<void()>(
                                  [&](auto& self) {
                                      before = self.cancelled();
                                      self.reset_cancellation_state();
                                      after = self.cancelled();
                                      self.complete();
                                  },
                                  ctx),
                              std::forward<decltype(token)>(token));
    };
    launch<void()>(rill::composed<void()>(
                       [&, step = 0](auto& self) mutable {
                           switch (step++) {
                           case 0: return rill::post(ctx, std::move(self));
                           case 1: signal.emit(cancellation_type::terminal); return inner(std::move(self));
                           default: return self.complete();
                           }
                       },
                       ctx),
                   rill::bind_cancellation_slot(signal.slot(), [] {}));
    ctx.run();
    CHECK(before == cancellation_type::terminal);
    CHECK(after == cancellation_type::none);
}

TEST_CASE("composed operations nest", "[compose][composed]") {
    rill::io_context ctx(1);
    rill::io_context home(1);
    rill::cancellation_signal signal;
    endless_operation op(ctx);
    memory_account account;
    error_code got;
    auto handler =
        rill::bind_executor(home, rill::bind_allocator(counting_allocator<int>(account),
                                                       rill::bind_cancellation_slot(signal.slot(), [&](error_code ec) {
                                                           CHECK(home.get_executor().running_in_this_thread());
                                                           CHECK(account.blocks == 0);
                                                           got = ec;
                                                       })));
    launch<void(error_code)>(rill::composed<void(error_code)>(
                                 [&, step = 0](auto& self, error_code ec = {}, cancellation_type = {}) mutable {
                                     if (step++ == 1)
                                         return self.complete(ec);
                                     async_endless(op, nullptr, ctx, std::move(self));
                                 },
                                 ctx),
                             std::move(handler));
    CHECK(account.blocks == 2);
    signal.emit(cancellation_type::terminal);
    home.run();
    CHECK(got == rill::error::operation_aborted);
}

TEST_CASE("the contexts of all I/O objects are kept at work", "[compose][composed]") {
    rill::io_context first(1);
    rill::io_context second(1);
    rill::steady_timer timer(second);
    std::shared_ptr<void> waiting;
    bool done = false;
    auto handler = [&](int) { done = true; };
    std::move(rill::composed<void(int)>(
        [&, step = 0](auto& self) mutable {
            if (step++ == 1)
                return self.complete(1);
            CHECK(self.get_io_executor() == first.get_executor());
            auto s = std::make_shared<std::decay_t<decltype(self)>>(std::move(self));
            first.get_executor().execute([&second, s] { second.get_executor().execute([s] { (*s)(); }); });
        },
        first, timer))(handler);
    CHECK(first.run_one() == 1);
    CHECK(!first.stopped());
    CHECK(second.run() == 1);
    CHECK(done);
    CHECK(first.run() == 0);
}

TEST_CASE("a composed operation of several signatures calls the one that fits", "[compose][composed]") {
    rill::io_context ctx(1);
    struct both {
        std::string& said;
        void operator()(error_code ec) { said = ec.message(); }
        void operator()(int a, int b) { said = std::to_string(a + b); }
    };
    std::string said;
    auto start = [&](bool fails) {
        both handler{said};
        launch<void(error_code), void(int, int)>(rill::composed<void(error_code), void(int, int)>(
                                                     [&ctx, fails, step = 0](auto& self) mutable {
                                                         if (step++ == 0)
                                                             return rill::post(ctx, std::move(self));
                                                         if (fails)
                                                             self.complete(error_code(rill::error::eof));
                                                         else
                                                             self.complete(3, 4);
                                                     },
                                                     ctx),
                                                 std::move(handler));
        ctx.restart();
        ctx.run();
    };
    start(false);
    CHECK(said == "7");
    start(true);
    CHECK(said == error_code(rill::error::eof).message());
}

TEST_CASE("without I/O objects a composed operation belongs to the system's executor", "[compose][composed]") {
    auto initiation = rill::composed<void()>([](auto& self) { self.complete(); });
    STATIC_REQUIRE(std::is_same_v<decltype(initiation)::executor_type, rill::system_executor>);
    rill::io_context ctx(1);
    bool called = false;
    auto handler = rill::bind_executor(ctx, [&] { called = true; });
    launch<void()>(initiation, handler);
    CHECK(!called);
    ctx.run();
    CHECK(called);
}
