// SPDX-License-Identifier: BSL-1.0
#include <rill/coroutine/spawn.hpp>

#include <rill/compose/read.hpp>
#include <rill/compose/write.hpp>
#include <rill/context/io_context.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/bind_allocator.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/dispatch.hpp>
#include <rill/token/post.hpp>
#include <rill/token/use_future.hpp>

#include <support/catch.hpp>

#include <boost/context/protected_fixedsize_stack.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>

using rill::cancellation_type;
using rill::error_code;
using rill::yield_context;
using namespace std::chrono_literals;

namespace {

using local_socket = rill::local::stream_protocol::socket;

std::string message_of(std::exception_ptr e) {
    try {
        if (e)
            std::rethrow_exception(e);
    } catch (const std::exception& x) {
        return x.what();
    } catch (...) {
        return "something";
    }
    return "none";
}

error_code code_of(std::exception_ptr e) {
    try {
        if (e)
            std::rethrow_exception(e);
    } catch (const rill::system_error& x) {
        return x.code();
    }
    return {};
}

void echo(local_socket& s, yield_context yield) {
    char data[4];
    for (;;) {
        error_code ec;
        const std::size_t n = s.async_read_some(rill::buffer(data), yield[ec]);
        if (ec == rill::error::eof)
            return;
        rill::async_write(s, rill::buffer(data, n), yield);
    }
}

template <class... Results, class Token>
auto async_yield(Token&& token, Results... results) {
    return rill::async_initiate<Token, void(Results...)>(
        [](auto handler, auto... r) {
            rill::get_associated_executor(handler).execute(
                [h = std::move(handler), t = std::tuple(std::move(r)...)]() mutable {
                    std::apply(std::move(h), std::move(t));
                });
        },
        token, std::move(results)...);
}

/// Gives away stacks of Boost.Context, and counts them.
struct counting_stacks {
    int* stacks;
    boost::context::protected_fixedsize_stack source{64 * 1024};

    explicit counting_stacks(int& n) : stacks(&n) {}
    boost::context::stack_context allocate() {
        ++*stacks;
        return source.allocate();
    }
    void deallocate(boost::context::stack_context& s) noexcept {
        --*stacks;
        source.deallocate(s);
    }
};

}  // namespace

TEST_CASE("a function waits for operations on its own stack", "[coroutine][spawn]") {
    rill::io_context ctx(1);
    local_socket ours(ctx), theirs(ctx);
    rill::local::connect_pair(ours, theirs);
    bool done = false;
    rill::spawn(
        ctx, [&](yield_context yield) { echo(ours, yield); },
        [&](std::exception_ptr e) {
            CHECK(!e);
            done = true;
        });
    std::string back(10, ' ');
    rill::spawn(
        ctx,
        [&](yield_context yield) {
            rill::async_write(theirs, rill::buffer("0123456789", 10), yield);
            rill::async_read(theirs, rill::buffer(back), yield);
            theirs.close();
        },
        rill::detached);
    ctx.run();
    CHECK(done);
    CHECK(back == "0123456789");
}

TEST_CASE("the initiating function returns what the operation yields", "[coroutine][spawn]") {
    rill::io_context ctx(1);
    rill::spawn(
        ctx,
        [&](yield_context yield) {
            STATIC_REQUIRE(std::is_void_v<decltype(async_yield(yield))>);
            async_yield(yield);
            STATIC_REQUIRE(std::is_void_v<decltype(async_yield(yield, error_code()))>);
            async_yield(yield, error_code());
            CHECK(async_yield(yield, 1) == 1);
            CHECK(async_yield(yield, error_code(), std::string("one")) == "one");
            CHECK(async_yield(yield, 1, 2) == std::tuple(1, 2));
            CHECK(async_yield(yield, error_code(), 1, 2) == std::tuple(1, 2));
            CHECK(async_yield(yield, std::exception_ptr(), 3) == 3);
            CHECK(*async_yield(yield, error_code(), std::make_unique<int>(4)) == 4);
            CHECK(async_yield(rill::as_tuple(yield), error_code(), 5) == std::tuple(error_code(), 5));
            CHECK(async_yield(rill::deferred, 6)(yield) == 6);
        },
        [](std::exception_ptr e) { CHECK(message_of(e) == "none"); });
    ctx.run();
}

TEST_CASE("an error is thrown, or put where yield[ec] says", "[coroutine][spawn]") {
    rill::io_context ctx(1);
    rill::spawn(
        ctx,
        [&](yield_context yield) {
            const error_code eof = rill::error::eof;
            CHECK_THROWS_AS(async_yield(yield, eof), rill::system_error);
            CHECK_THROWS_AS(async_yield(yield, eof, 1), rill::system_error);
            CHECK_THROWS_AS(async_yield(yield, std::make_exception_ptr(std::out_of_range("far"))), std::out_of_range);
            error_code ec;
            async_yield(yield[ec], eof);
            CHECK(ec == eof);
            CHECK(async_yield(yield[ec], error_code(), 2) == 2);
            CHECK(!ec);
            CHECK(async_yield(yield[ec], eof, 3) == 3);
            CHECK(ec == eof);
        },
        [](std::exception_ptr e) { CHECK(message_of(e) == "none"); });
    ctx.run();
}

TEST_CASE("spawn takes every token", "[coroutine][spawn]") {
    rill::io_context ctx(1);
    auto text = [](auto yield) {
        rill::post(yield);
        return std::string("text");
    };
    auto future = rill::spawn(ctx, text, rill::use_future);
    STATIC_REQUIRE(std::is_same_v<decltype(future), std::future<std::string>>);
    auto later = rill::spawn(ctx.get_executor(), text);
    std::string by_call, in_spawn, in_coroutine;
    rill::spawn(ctx, text, [&](std::exception_ptr, std::string s) { by_call = std::move(s); });
    rill::spawn(
        ctx, [&](yield_context yield) { in_spawn = rill::spawn(yield, text, yield); }, rill::detached);
    rill::co_spawn(
        ctx, [&]() -> rill::awaitable<void> { in_coroutine = co_await rill::spawn(ctx, text); }, rill::detached);
    ctx.run();
    CHECK(future.get() == "text");
    CHECK(by_call == "text");
    CHECK(in_spawn == "text");
    CHECK(in_coroutine == "text");
    ctx.restart();
    CHECK(ctx.run() == 0);
    auto at_last = std::move(later)(rill::use_future);
    ctx.restart();
    ctx.run();
    CHECK(at_last.get() == "text");
}

TEST_CASE("what leaves the function as an exception comes with the handler", "[coroutine][spawn]") {
    rill::io_context ctx(1);
    std::string first, second;
    rill::spawn(
        ctx, [](yield_context) { throw std::out_of_range("far"); },
        [&](std::exception_ptr e) { first = message_of(e); });
    rill::spawn(
        ctx,
        [](yield_context yield) -> int {
            rill::post(yield);
            throw 5;
        },
        [&](std::exception_ptr e, int n) { second = message_of(e) + std::to_string(n); });
    ctx.run();
    CHECK(first == "far");
    CHECK(second == "something0");
}

TEST_CASE("the handler of spawn is not called from inside it, and runs on its executor", "[coroutine][spawn]") {
    rill::io_context ctx(1);
    rill::io_context home(1);
    bool returned = false;
    int called = 0;
    rill::post(ctx, [&] {
        rill::spawn(
            ctx, [&](yield_context) { CHECK(!returned); }, [&](std::exception_ptr) { called += returned ? 1 : 100; });
        rill::spawn(
            ctx, [](yield_context) {}, rill::bind_executor(home, [&](std::exception_ptr) {
                called += home.get_executor().running_in_this_thread() ? 1 : 100;
            }));
        returned = true;
    });
    ctx.run();
    CHECK(called == 1);
    home.run();
    CHECK(called == 2);
}

TEST_CASE("a yield_context knows its executor, also as another type", "[coroutine][spawn]") {
    rill::io_context ctx(1);
    rill::spawn(
        ctx,
        [&](rill::basic_yield_context<rill::io_context::executor_type> yield) {
            CHECK(yield.get_executor() == ctx.get_executor());
            yield_context any = yield;
            CHECK(any.get_executor() == yield.get_executor());
            rill::steady_timer timer(any.get_executor(), 0s);
            timer.async_wait(any);
            error_code ec;
            timer.async_wait(yield[ec]);
            yield_context with_error = yield[ec];
            timer.async_wait(with_error);
        },
        [](std::exception_ptr e) { CHECK(!e); });
    ctx.run();
}

TEST_CASE("an operation that is done at once does not grow the stack", "[coroutine][spawn]") {
    rill::io_context ctx(1);
    int n = 0;
    rill::spawn(
        ctx,
        [&](yield_context yield) {
            for (; n != 20'000; ++n)
                rill::dispatch(ctx, yield);
        },
        rill::detached);
    ctx.run();
    CHECK(n == 20'000);
}

TEST_CASE("an operation that throws as it starts, throws where it is waited for", "[coroutine][spawn]") {
    rill::io_context ctx(1);
    std::string said;
    rill::spawn(
        ctx,
        [&](yield_context yield) {
            rill::async_initiate<yield_context, void()>(
                [](auto handler) {
                    auto here = std::move(handler);
                    throw std::out_of_range("far");
                },
                yield);
        },
        [&](std::exception_ptr e) { said = message_of(e); });
    ctx.run();
    CHECK(said == "far");
}

TEST_CASE("cancelling spawn ends the operation, and then throws", "[coroutine][spawn]") {
    rill::io_context ctx(1);
    auto run = [&](cancellation_type type, auto prepare) {
        ctx.restart();
        rill::cancellation_signal signal;
        rill::steady_timer timer(ctx);
        std::string steps;
        rill::spawn(
            ctx,
            [&](yield_context yield) {
                prepare(yield);
                error_code ec;
                timer.expires_after(type == cancellation_type::none ? 0s : 3600s);
                timer.async_wait(yield[ec]);
                steps += ec ? 'c' : '-';
                if (!!yield.cancelled())
                    steps += '!';
                rill::post(yield);
                steps += "+";
            },
            rill::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) {
                if (code_of(e) == rill::error::operation_aborted)
                    steps += "thrown";
            }));
        ctx.poll();
        signal.emit(type);
        if (type == cancellation_type::total || steps.empty())
            ctx.poll();
        timer.cancel();
        ctx.run();
        return steps;
    };
    CHECK(run(cancellation_type::terminal, [](auto&) {}) == "c!thrown");
    CHECK(run(cancellation_type::partial, [](auto&) {}) == "c+");  // by timer.cancel() alone
    CHECK(run(cancellation_type::terminal, [](auto& yield) { yield.throw_if_cancelled(false); }) == "c!+");
    CHECK(run(cancellation_type::total,
              [](auto& yield) { yield.reset_cancellation_state(rill::enable_total_cancellation()); }) == "c!thrown");
    CHECK(run(cancellation_type::terminal,
              [](auto& yield) { yield.reset_cancellation_state(rill::disable_cancellation()); }) == "c+");
    CHECK(run(cancellation_type::total, [](auto& yield) {
              yield.reset_cancellation_state(rill::enable_total_cancellation(), rill::disable_cancellation());
              CHECK(yield.throw_if_cancelled());
              CHECK(!yield.get_cancellation_state().cancelled());
              CHECK(yield.get_cancellation_slot().is_connected());
          }) == "c!thrown");
}

TEST_CASE("destroying the context unwinds the stacks of those that wait", "[coroutine][spawn]") {
    auto alive = std::make_shared<int>();
    int stacks = 0;
    std::string order;
    struct leaves {
        std::string& order;
        char name;
        ~leaves() { order += name; }
    };
    auto wait_on = [&order](rill::io_context& ctx, yield_context yield, char name) {
        leaves l{order, name};
        rill::steady_timer timer(ctx, 1h);
        timer.async_wait(yield);
        FAIL("goes on");
    };
    {
        rill::io_context ctx(1);
        rill::spawn(
            ctx, std::allocator_arg, counting_stacks(stacks),
            [&, alive](yield_context yield) {
                leaves l{order, 'a'};
                try {
                    wait_on(ctx, yield, 'b');
                } catch (const std::exception&) {
                    FAIL("a known exception");
                } catch (...) {
                    order += '.';
                    throw;
                }
            },
            [alive](std::exception_ptr) { FAIL("called"); });
        rill::spawn(
            ctx, std::allocator_arg, counting_stacks(stacks),
            [&, alive](yield_context yield) {
                for (int i = 0; i != 2; ++i) {
                    try {
                        wait_on(ctx, yield, 'c');
                    } catch (...) {  // and swallows it
                        order += ',';
                    }
                }
            },
            [alive](std::exception_ptr) { FAIL("called"); });
        ctx.poll();
        rill::spawn(
            ctx, std::allocator_arg, counting_stacks(stacks), [alive](yield_context) { FAIL("started"); },
            [alive](std::exception_ptr) { FAIL("called"); });
        CHECK(stacks == 3);
        CHECK(alive.use_count() == 7);
        CHECK(order.empty());
    }
    CHECK(stacks == 0);
    CHECK(alive.use_count() == 1);
    CHECK((order == "b.ac,c," || order == "c,c,b.a"));
}

TEST_CASE("the stack is free again before the handler is called", "[coroutine][spawn]") {
    rill::io_context ctx(1);
    int stacks = 0;
    int at_the_end = 1;
    rill::spawn(
        ctx.get_executor(), std::allocator_arg, counting_stacks(stacks),
        [&](auto yield) {
            rill::spawn(
                yield, std::allocator_arg, counting_stacks(stacks), [](auto) {}, yield);
            CHECK(stacks == 1);
        },
        [&](std::exception_ptr e) {
            CHECK(!e);
            at_the_end = stacks;
        });
    CHECK(stacks == 1);
    ctx.run();
    CHECK(at_the_end == 0);
}

TEST_CASE("functions that wait while they handle an exception do not mix their exceptions up", "[coroutine][spawn]") {
    rill::io_context ctx(1);
    std::string said;
    auto run = [&](std::string name, int rounds) {
        rill::spawn(
            ctx,
            [&said, name, rounds, &ctx](yield_context yield) {
                try {
                    throw std::runtime_error(name);
                } catch (...) {
                    for (int i = 0; i != rounds; ++i)
                        rill::post(ctx, yield);
                    said += message_of(std::current_exception());
                }
                CHECK(!std::current_exception());
            },
            [](std::exception_ptr e) { CHECK(!e); });
    };
    run("a", 5);
    run("b", 1);
    run("c", 3);
    ctx.run();
    CHECK(said == "bca");
}

TEST_CASE("a move-only function yields a move-only value to a move-only handler", "[coroutine][spawn]") {
    rill::io_context ctx(1);
    int got = 0;
    rill::spawn(
        ctx,
        [own = std::make_unique<int>(3)](yield_context yield) mutable {
            rill::post(yield);
            return std::move(own);
        },
        [&got, own = std::make_unique<int>(4)](std::exception_ptr, std::unique_ptr<int> p) { got = *own + *p; });
    ctx.run();
    CHECK(got == 7);
}
