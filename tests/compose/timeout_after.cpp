// SPDX-License-Identifier: BSL-1.0
#include <rill/compose/timeout_after.hpp>

#include "deadlines.hpp"

#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/redirect_error.hpp>

#include <exception>
#include <string>
#include <tuple>

using namespace deadline_test;
using rill::timeout_after;
namespace error = rill::error;

namespace {

error_code code_of(std::exception_ptr e) {
    try {
        if (e)
            std::rethrow_exception(e);
    } catch (const rill::system_error& s) {
        return s.code();
    } catch (...) {
        return error::fault;
    }
    return {};
}

}  // namespace

TEST_CASE("an operation that its deadline ends completes with timed_out", "[compose][timeout_after]") {
    timed_context c(any_hint());
    hanging op(c.io);
    answer a;
    const int way = GENERATE(0, 1, 2, 3);
    rill::steady_timer timer(c.io);
    if (way == 0)
        op.async_hang(timeout_after(5s, a.handler()));
    else if (way == 1)
        op.async_hang(timeout_after(5s, cancellation_type::partial, a.handler()));
    else if (way == 2)
        op.async_hang(timeout_after(timer, 5s, a.handler()));
    else
        op.async_hang(timeout_after(timer, 5s, cancellation_type::partial, a.handler()));
    c.run();
    CHECK(a.timed_out());
    CHECK(op.types() == std::vector{way % 2 ? cancellation_type::partial : cancellation_type::terminal});
    CHECK(c.elapsed() == 5s);
}

TEST_CASE("an operation that is cancelled by a slot completes with operation_aborted", "[compose][timeout_after]") {
    timed_context c(any_hint());
    rill::steady_timer timer(c.io, 1h);
    rill::cancellation_signal signal;
    answer a;
    timer.async_wait(timeout_after(5s, rill::bind_cancellation_slot(signal.slot(), a.handler())));
    SECTION("while it waits") {
        c.poll();
        signal.emit(cancellation_type::terminal);
        c.run();
        CHECK(c.elapsed() == 0s);
    }
    SECTION("just before its deadline") {
        c.poll();
        signal.emit(cancellation_type::terminal);
        c.advance(5s);
        c.run();
    }
    CHECK(a.aborted());
}

TEST_CASE("an operation whose object is cancelled completes with operation_aborted", "[compose][timeout_after]") {
    timed_context c(any_hint());
    rill::steady_timer timer(c.io, 1h);
    answer a;
    timer.async_wait(timeout_after(5s, a.handler()));
    c.poll();
    CHECK(timer.cancel() == 1);
    c.run();
    CHECK(a.aborted());
    CHECK(c.elapsed() == 0s);
}

TEST_CASE("other results stay as they are, however late", "[compose][timeout_after]") {
    timed_context c(any_hint());
    hanging op(c.io, cancellation_type::none);
    answer a;
    op.async_hang(timeout_after(5s, a.handler()));
    c.run();
    REQUIRE(op.types().size() == 1);
    const error_code told = GENERATE(error_code(), error_code(error::eof), error_code(error::timed_out));
    op.complete(told, 3);
    c.run();
    CHECK((a.calls == 1 && a.ec == told && a.bytes == 3));
}

TEST_CASE("the bytes of an operation that has timed out are told", "[compose][timeout_after]") {
    timed_context c(any_hint());
    hanging op(c.io, cancellation_type::none);
    answer a;
    op.async_hang(timeout_after(5s, a.handler()));
    c.run();
    op.complete(error::operation_aborted, 3);
    c.run();
    CHECK((a.timed_out() && a.bytes == 3));
}

TEST_CASE("timed_out is seen in and around the adapters that leave the error in front", "[compose][timeout_after]") {
    timed_context c(any_hint());
    hanging op(c.io);
    error_code seen;
    std::size_t calls = 0;
    auto noting = [&](std::tuple<error_code, std::size_t> results) {
        ++calls;
        seen = std::get<0>(results);
    };
    switch (GENERATE(0, 1, 2, 3)) {
    case 0: op.async_hang(rill::as_tuple(timeout_after(5s, noting))); break;
    case 1: op.async_hang(timeout_after(5s, rill::as_tuple(noting))); break;
    case 2: op.async_hang(timeout_after(5s, rill::redirect_error([&](std::size_t) { ++calls; }, seen))); break;
    default:
        op.async_hang()(timeout_after(5s, [&](error_code ec, std::size_t) {
            ++calls;
            seen = ec;
        }));
    }
    c.run();
    CHECK(calls == 1);
    CHECK(seen == error::timed_out);
}

TEST_CASE("a coroutine awaits with a deadline, with its default token", "[compose][timeout_after]") {
    timed_context c(any_hint());
    hanging op(c.io);
    rill::steady_timer timer(c.io, 1h), given(c.io);
    error_code thrown, told, by_timer, failure;
    co_spawn(
        c.io,
        [&]() -> rill::awaitable<void> {
            try {
                co_await op.async_hang(timeout_after(5s));
            } catch (const rill::system_error& e) {
                thrown = e.code();
            }
            std::tie(told, std::ignore) = co_await op.async_hang(timeout_after(5s, rill::as_tuple));
            std::tie(by_timer) = co_await timer.async_wait(rill::as_tuple(timeout_after(given, 5s)));
            co_await timer.async_wait(timeout_after(2h));
            co_await op.async_hang(timeout_after(5s, cancellation_type::total, rill::use_awaitable));
        },
        [&](std::exception_ptr e) { failure = code_of(e); });
    c.run();
    CHECK(thrown == error::timed_out);
    CHECK(told == error::timed_out);
    CHECK(by_timer == error::timed_out);
    CHECK(failure == error::timed_out);
    CHECK(c.elapsed() == 1h + 5s);
}

TEST_CASE("a coroutine that its deadline ends tells timed_out by its exception", "[compose][timeout_after]") {
    timed_context c(any_hint());
    rill::steady_timer timer(c.io, 1h);
    int calls = 0;
    error_code failure;
    auto wait = [&]() -> rill::awaitable<void> { co_await timer.async_wait(); };
    auto note = [&](std::exception_ptr e) {
        ++calls;
        failure = code_of(e);
    };
    SECTION("if that is what ended it") {
        co_spawn(c.io, wait, timeout_after(5s, note));
        c.run();
        CHECK(failure == error::timed_out);
        CHECK(c.elapsed() == 5s);
    }
    SECTION("not if it finished in time") {
        co_spawn(c.io, wait, timeout_after(2h, note));
        c.run();
        CHECK_FALSE(failure);
        CHECK(c.elapsed() == 1h);
    }
    SECTION("not if it made something else of it") {
        co_spawn(
            c.io,
            [&]() -> rill::awaitable<int> {
                co_await timer.async_wait(rill::as_tuple);
                throw rill::system_error(error::eof);
            },
            timeout_after(5s, [&](std::exception_ptr e, int) { note(e); }));
        c.run();
        CHECK(failure == error::eof);
    }
    SECTION("not if it threw what is no error code") {
        co_spawn(
            c.io,
            [&]() -> rill::awaitable<void> {
                co_await timer.async_wait(rill::as_tuple);
                throw std::string("else");
            },
            timeout_after(5s, note));
        c.run();
        CHECK(failure == error::fault);
    }
    CHECK(calls == 1);
}

TEST_CASE("a coroutine that its deadline ended may reset its state and go on", "[compose][timeout_after]") {
    timed_context c(any_hint());
    rill::steady_timer timer(c.io, 1h);
    error_code first, second, failure;
    co_spawn(
        c.io,
        [&]() -> rill::awaitable<void> {
            std::tie(first) = co_await timer.async_wait(rill::as_tuple);
            co_await rill::this_coro::reset_cancellation_state();
            timer.expires_after(1s);
            std::tie(second) = co_await timer.async_wait(rill::as_tuple);
        },
        timeout_after(5s, [&](std::exception_ptr e) { failure = code_of(e); }));
    c.run();
    CHECK(first == error::operation_aborted);
    CHECK_FALSE(second);
    CHECK_FALSE(failure);
    CHECK(c.elapsed() == 6s);
}
