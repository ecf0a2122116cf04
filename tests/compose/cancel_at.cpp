// SPDX-License-Identifier: BSL-1.0
#include <rill/compose/cancel_at.hpp>

#include "deadlines.hpp"

#include <rill/coroutine/co_spawn.hpp>
#include <rill/io/basic_waitable_timer.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/token/as_tuple.hpp>

#include <type_traits>

using namespace deadline_test;
using rill::cancel_at;

namespace {

/// A clock that stands still until it is set.
struct settable_clock {
    using duration = std::chrono::milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<settable_clock>;
    [[maybe_unused]] static constexpr bool is_steady = false;
    static inline time_point current{};
    static time_point now() noexcept { return current; }
};
using settable_timer = rill::basic_waitable_timer<settable_clock>;

rill::engine::time_point start() { return rill::engine::time_point(1s); }  // of a timed_context

}  // namespace

TEST_CASE("an operation that hangs ends at a time of the steady clock", "[compose][cancel_at]") {
    timed_context c(any_hint());
    hanging op(c.io);
    answer a;
    SECTION("with terminal") {
        op.async_hang(cancel_at(start() + 5s, a.handler()));
        c.run();
        CHECK(op.types() == std::vector{cancellation_type::terminal});
    }
    SECTION("with another type") {
        op.async_hang(cancel_at(start() + 5s, cancellation_type::total, a.handler()));
        c.run();
        CHECK(op.types() == std::vector{cancellation_type::total});
    }
    CHECK(a.aborted());
    CHECK(c.elapsed() == 5s);
}

TEST_CASE("an operation that completes before that is not disturbed", "[compose][cancel_at]") {
    timed_context c(any_hint());
    rill::steady_timer timer(c.io, 5s);
    answer a;
    timer.async_wait(cancel_at(start() + 1h, a.handler()));
    c.run();
    CHECK(a.succeeded());
    CHECK(c.elapsed() == 5s);
}

TEST_CASE("a time of a coarser or finer unit is not shortened", "[compose][cancel_at]") {
    timed_context c(any_hint());
    rill::steady_timer timer(c.io, 1h);
    answer a;
    const auto expiry = start() + std::chrono::duration<double, std::nano>(1.5);
    timer.async_wait(cancel_at(expiry, a.handler()));
    c.run();
    CHECK(a.aborted());
    CHECK(c.elapsed() == 2ns);
}

TEST_CASE("a time of a clock that can be set is found by looking at that clock", "[compose][cancel_at]") {
    timed_context c(any_hint());
    hanging op(c.io);
    settable_clock::current = {};
    answer a;
    const auto expiry = settable_clock::time_point(1h);
    settable_timer timer(c.io);
    if (GENERATE(false, true))
        op.async_hang(cancel_at(expiry, a.handler()));
    else
        op.async_hang(cancel_at(timer, expiry, a.handler()));
    c.poll();
    c.advance(2h);  // which the clock does not know of
    c.poll();
    CHECK(a.calls == 0);
    settable_clock::current = expiry;
    c.run();
    CHECK(a.aborted());
    CHECK(c.elapsed() <= 2h + 1s);
}

TEST_CASE("the deadlines of clocks that can be set are destroyed with the context", "[compose][cancel_at]") {
    answer a;
    {
        timed_context c(any_hint());
        rill::steady_timer timer(c.io, 1h);
        settable_clock::current = {};
        timer.async_wait(cancel_at(settable_clock::time_point(1h), a.handler()));
        c.poll();
    }
    CHECK(a.calls == 0);
    CHECK(a.handler_is_gone());
}

TEST_CASE("a coroutine awaits until a time, on a timer of its own or not", "[compose][cancel_at]") {
    timed_context c(any_hint());
    hanging op(c.io);
    rill::steady_timer timer(c.io);
    error_code ec[4];
    co_spawn(
        c.io,
        [&]() -> rill::awaitable<void> {
            std::tie(ec[0], std::ignore) = co_await op.async_hang(rill::as_tuple(cancel_at(start() + 5s)));
            std::tie(ec[1], std::ignore) =
                co_await op.async_hang(rill::as_tuple(cancel_at(start() + 6s, cancellation_type::total)));
            std::tie(ec[2], std::ignore) = co_await op.async_hang(rill::as_tuple(cancel_at(timer, start() + 7s)));
            CHECK(timer.expiry() == start() + 7s);
            std::tie(ec[3], std::ignore) =
                co_await op.async_hang(cancel_at(timer, start() + 8s, cancellation_type::partial, rill::as_tuple));
        },
        [](std::exception_ptr e) { CHECK_FALSE(e); });
    c.run();
    for (const error_code& e : ec)
        CHECK(e == rill::error::operation_aborted);
    using enum cancellation_type;
    CHECK(op.types() == std::vector{terminal, total, terminal, partial});
    CHECK(c.elapsed() == 8s);
}
