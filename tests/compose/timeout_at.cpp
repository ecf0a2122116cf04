// SPDX-License-Identifier: BSL-1.0
#include <rill/compose/timeout_at.hpp>

#include "deadlines.hpp"

#include <rill/coroutine/co_spawn.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/token/as_tuple.hpp>

using namespace deadline_test;
using rill::timeout_at;

TEST_CASE("an operation that hangs completes with timed_out at a time", "[compose][timeout_at]") {
    timed_context c(any_hint());
    const auto expiry = rill::engine::time_point(1s) + 5s;
    hanging op(c.io);
    rill::steady_timer timer(c.io);
    answer a;
    switch (GENERATE(0, 1, 2, 3)) {
    case 0: op.async_hang(timeout_at(expiry, a.handler())); break;
    case 1: op.async_hang(timeout_at(expiry, cancellation_type::total, a.handler())); break;
    case 2: op.async_hang(timeout_at(timer, expiry, a.handler())); break;
    default: op.async_hang(timeout_at(timer, expiry, cancellation_type::total, a.handler()));
    }
    c.run();
    CHECK(a.timed_out());
    CHECK(c.elapsed() == 5s);
}

TEST_CASE("a coroutine awaits until a time, and is told", "[compose][timeout_at]") {
    timed_context c(any_hint());
    const auto expiry = rill::engine::time_point(1s) + 5s;
    hanging op(c.io);
    rill::steady_timer timer(c.io);
    error_code ec[2];
    co_spawn(
        c.io,
        [&]() -> rill::awaitable<void> {
            std::tie(ec[0], std::ignore) = co_await op.async_hang(timeout_at(expiry, rill::as_tuple));
            std::tie(ec[1], std::ignore) = co_await op.async_hang(rill::as_tuple(timeout_at(timer, expiry + 1s)));
            try {
                co_await op.async_hang(timeout_at(expiry + 2s));
            } catch (const rill::system_error& e) {
                CHECK(e.code() == rill::error::timed_out);
            }
        },
        [](std::exception_ptr e) { CHECK_FALSE(e); });
    c.run();
    CHECK(ec[0] == rill::error::timed_out);
    CHECK(ec[1] == rill::error::timed_out);
    CHECK(c.elapsed() == 7s);
}
