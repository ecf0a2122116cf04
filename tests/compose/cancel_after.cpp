// SPDX-License-Identifier: BSL-1.0
#include <rill/compose/cancel_after.hpp>

#include "deadlines.hpp"

#include <rill/context/executor_work_guard.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/io/system_timer.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/post.hpp>

#include <support/soon.hpp>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>

using namespace deadline_test;
using rill::cancel_after;

namespace {

struct failing_initiation {
    using executor_type = rill::io_context::executor_type;
    executor_type executor;
    executor_type get_executor() const noexcept { return executor; }
    template <class Handler>
    void operator()(Handler&&) const {
        throw std::runtime_error("cannot start");
    }
};

}  // namespace

TEST_CASE("an operation that hangs ends with operation_aborted at its deadline", "[compose][cancel_after]") {
    timed_context c(any_hint());
    rill::steady_timer timer(c.io, 1h);
    answer a;
    timer.async_wait(cancel_after(5s, a.handler()));
    c.run();
    CHECK(a.aborted());
    CHECK(c.elapsed() == 5s);
}

TEST_CASE("an operation that completes in time has its result, and its deadline is forgotten",
          "[compose][cancel_after]") {
    timed_context c(any_hint());
    rill::steady_timer timer(c.io, 5s);
    answer a;
    timer.async_wait(cancel_after(1h, a.handler()));
    c.run();
    CHECK(a.succeeded());
    CHECK(c.elapsed() == 5s);
    CHECK(a.handler_is_gone());
}

TEST_CASE("the deadline counts from the start of the operation, not from the making of the token",
          "[compose][cancel_after]") {
    timed_context c(any_hint());
    rill::steady_timer timer(c.io, 1h);
    answer a;
    auto token = cancel_after(5s, a.handler());
    c.advance(1min);
    timer.async_wait(std::move(token));
    c.run();
    CHECK(c.elapsed() == 65s);
}

TEST_CASE("what has completed before it was cancelled is a success, however late", "[compose][cancel_after]") {
    timed_context c(any_hint());
    const std::chrono::nanoseconds wait = GENERATE(4s, 5s, 6s);  // earlier than the deadline, as early, and later
    rill::steady_timer timer(c.io, wait);
    answer a;
    timer.async_wait(cancel_after(5s, a.handler()));
    c.poll();
    c.advance(1min);  // both are due when the loop looks
    c.poll();
    CHECK(a.succeeded());
    CHECK(a.handler_is_gone());
    CHECK(c.io.stopped());
}

TEST_CASE("a deadline emits terminal, or the type that it is given", "[compose][cancel_after]") {
    timed_context c(any_hint());
    hanging op(c.io);
    answer a;
    const auto type = GENERATE(cancellation_type::terminal, cancellation_type::partial, cancellation_type::total);
    if (type == cancellation_type::terminal)
        op.async_hang(cancel_after(5s, a.handler()));
    else
        op.async_hang(cancel_after(5s, type, a.handler()));
    c.run();
    CHECK(op.types() == std::vector{type});
    CHECK(a.aborted());
}

TEST_CASE("an operation that does not obey goes on", "[compose][cancel_after]") {
    timed_context c(any_hint());
    hanging op(c.io, cancellation_type::none);
    answer a;
    op.async_hang(cancel_after(5s, a.handler()));
    c.run();
    CHECK(a.calls == 0);
    op.complete(error_code(), 3);
    c.run();
    CHECK((a.succeeded() && a.bytes == 3));
    CHECK(a.handler_is_gone());
}

TEST_CASE("the token's own slot reaches the operation with its types", "[compose][cancel_after]") {
    timed_context c(any_hint());
    hanging op(c.io, cancellation_type::partial | cancellation_type::terminal);
    rill::cancellation_signal signal;
    answer a;
    op.async_hang(cancel_after(5s, rill::bind_cancellation_slot(signal.slot(), a.handler())));
    signal.emit(cancellation_type::total);
    CHECK(op.pending());
    SECTION("and the deadline stays while the operation does not obey") {
        c.run();
        CHECK(op.types() == std::vector{cancellation_type::total, cancellation_type::terminal});
        CHECK(c.elapsed() == 5s);
    }
    SECTION("and ends the deadline with the operation") {
        signal.emit(cancellation_type::partial);
        c.run();
        CHECK(op.types() == std::vector{cancellation_type::total, cancellation_type::partial});
        CHECK(c.elapsed() == 0s);
    }
    CHECK(a.aborted());
    CHECK(a.handler_is_gone());
    CHECK_FALSE(signal.slot().has_handler());
    signal.emit(cancellation_type::all);
}

TEST_CASE("the slot is bound outside of the deadline as well", "[compose][cancel_after]") {
    timed_context c(any_hint());
    hanging op(c.io);
    rill::cancellation_signal signal;
    answer a;
    rill::cancellation_signal other;
    auto inner = rill::bind_cancellation_slot(other.slot(), a.handler());
    op.async_hang(rill::bind_cancellation_slot(signal.slot(), cancel_after(5s, std::move(inner))));
    CHECK_FALSE(other.slot().has_handler());
    SECTION("and the deadline comes") {
        c.run();
        CHECK(op.types() == std::vector{cancellation_type::terminal});
        CHECK(c.elapsed() == 5s);
    }
    SECTION("and it is used") {
        signal.emit(cancellation_type::total);
        c.run();
        CHECK(op.types() == std::vector{cancellation_type::total});
        CHECK(c.elapsed() == 0s);
    }
    CHECK(a.aborted());
    CHECK_FALSE(signal.slot().has_handler());
}

TEST_CASE("deadlines that are over at once, or never", "[compose][cancel_after]") {
    timed_context c(any_hint());
    rill::steady_timer timer(c.io, 1h);
    answer a;
    SECTION("none") {
        timer.async_wait(cancel_after(0s, a.handler()));
        c.run();
        CHECK((a.aborted() && c.elapsed() == 0s));
    }
    SECTION("long ago") {
        timer.async_wait(cancel_after(-5s, a.handler()));
        c.run();
        CHECK((a.aborted() && c.elapsed() == 0s));
    }
    SECTION("longer ago than the clock can tell") {
        timer.async_wait(cancel_after((std::chrono::hours::min)(), a.handler()));
        c.run();
        CHECK((a.aborted() && c.elapsed() == 0s));
    }
    SECTION("later than the clock can tell") {
        timer.async_wait(cancel_after((std::chrono::hours::max)(), a.handler()));
        c.run();
        CHECK((a.succeeded() && c.elapsed() == 1h));
    }
    SECTION("a fraction of a tick is rounded up") {
        timer.async_wait(cancel_after(std::chrono::duration<double, std::nano>(1.5), a.handler()));
        c.run();
        CHECK((a.aborted() && c.elapsed() == 2ns));
    }
}

TEST_CASE("a deadline may be one of another", "[compose][cancel_after]") {
    timed_context c(any_hint());
    rill::steady_timer timer(c.io, 1h);
    answer a;
    timer.async_wait(cancel_after(5s, cancel_after(7s, a.handler())));
    timer.async_wait(cancel_after(8s, cancel_after(6s, [&](error_code ec) {
                                      CHECK(ec == rill::error::operation_aborted);
                                      CHECK(c.elapsed() == 6s);
                                  })));
    c.run();
    CHECK(a.aborted());
    CHECK(c.elapsed() == 6s);
}

// -- timers of one's own

TEST_CASE("a given timer is set, and waits for the deadline", "[compose][cancel_after]") {
    timed_context c(any_hint());
    rill::steady_timer deadline(c.io, 3h);
    hanging op(c.io);
    answer a, other;
    deadline.async_wait(other.handler());
    op.async_hang(cancel_after(deadline, 5s, cancellation_type::partial, a.handler()));
    CHECK(deadline.expiry().time_since_epoch() == 1s + 5s);
    c.run();
    CHECK(other.aborted());
    CHECK(a.aborted());
    CHECK(op.types() == std::vector{cancellation_type::partial});
    CHECK(c.elapsed() == 5s);
}

TEST_CASE("cancelling, setting and destroying a given timer lifts the deadline", "[compose][cancel_after]") {
    timed_context c(any_hint());
    std::optional<rill::steady_timer> deadline(std::in_place, c.io);
    rill::steady_timer timer(c.io, 1min);
    answer a;
    timer.async_wait(cancel_after(*deadline, 5s, a.handler()));
    switch (GENERATE(0, 1, 2)) {
    case 0: CHECK(deadline->cancel() == 1); break;
    case 1: CHECK(deadline->expires_after(1s) == 1); break;
    default: deadline.reset();
    }
    c.run();
    CHECK(a.succeeded());
    CHECK(c.elapsed() == 1min);
}

TEST_CASE("when the operation is done a given timer's other waits go on", "[compose][cancel_after]") {
    timed_context c(any_hint());
    rill::steady_timer deadline(c.io);
    rill::steady_timer timer(c.io, 1s);
    answer a, other;
    timer.async_wait(cancel_after(deadline, 5s, a.handler()));
    deadline.async_wait(other.handler());
    c.run();
    CHECK(a.succeeded());
    CHECK(other.succeeded());
    CHECK(c.elapsed() == 5s);
}

TEST_CASE("a given timer may belong to another context", "[compose][cancel_after]") {
    timed_context c(any_hint()), other(1);
    hanging op(c.io);
    rill::steady_timer deadline(other.io);
    answer a;
    op.async_hang(cancel_after(deadline, 5s, a.handler()));
    SECTION("which ends the operation") {
        other.run();
        CHECK(other.elapsed() == 5s);
        CHECK(a.calls == 0);
        c.run();
        CHECK(a.aborted());
    }
    SECTION("which lets the completion pass when it runs") {
        op.complete(error_code(), 1);
        c.poll();
        CHECK(a.calls == 0);
        CHECK_FALSE(c.io.stopped());  // the handler is still to come
        other.run();
        CHECK(other.elapsed() == 0s);
        c.run();
        CHECK(a.succeeded());
    }
    CHECK(a.handler_is_gone());
}

// -- ends that are no completions

TEST_CASE("an operation that is given up takes its deadline along", "[compose][cancel_after]") {
    timed_context c(any_hint());
    answer a;
    hanging op(c.io);
    const bool inside = GENERATE(false, true);
    auto act = [&] {
        op.async_hang(cancel_after(5s, a.handler()));
        op.drop();
    };
    if (inside)
        c.io.get_executor().execute(act);
    else
        act();
    c.run();
    CHECK(a.calls == 0);
    CHECK(a.handler_is_gone());
    CHECK(c.elapsed() == 0s);
}

TEST_CASE("an operation that another thread starts and the loop's own completes at once does not wait for its deadline",
          "[compose][cancel_after]") {
    timed_context c(any_hint());
    hanging op(c.io);
    answer a;
    rill::post(c.io, [&] {
        std::thread([&] { op.async_hang(cancel_after(1h, a.handler())); }).join();
        op.complete({}, 3);
    });
    c.run();
    CHECK(a.succeeded());
    CHECK(c.elapsed() == 0s);
    CHECK(a.handler_is_gone());
}

TEST_CASE("an operation that cannot be started takes its deadline along", "[compose][cancel_after]") {
    timed_context c(any_hint());
    answer a;
    auto start = [&](auto token) {
        rill::async_initiate<decltype(token)&&, void(error_code)>(failing_initiation{c.io.get_executor()}, token);
    };
    CHECK_THROWS_AS(start(cancel_after(5s, a.handler())), std::runtime_error);
    c.run();
    CHECK(a.calls == 0);
    CHECK(a.handler_is_gone());
    CHECK(c.elapsed() == 0s);
}

TEST_CASE("a context that is destroyed destroys operations with deadlines", "[compose][cancel_after]") {
    answer a;
    {
        timed_context c(any_hint());
        rill::steady_timer timer(c.io, 1h), given(c.io);
        const int state = GENERATE(0, 1, 2, 3);
        if (state == 3)
            timer.async_wait(cancel_after(given, 5s, a.handler()));
        else
            timer.async_wait(cancel_after(5s, a.handler()));
        if (state != 0)
            c.io.poll();
        if (state == 2) {
            c.advance(5s);
            c.io.run_one();  // the deadline has been emitted
        }
    }
    CHECK(a.calls == 0);
    CHECK(a.handler_is_gone());
}

TEST_CASE("a handler that the context of a given timer was to bring back is destroyed with that",
          "[compose][cancel_after]") {
    timed_context c(any_hint());
    hanging op(c.io);
    answer a;
    {
        timed_context other(1);
        rill::steady_timer deadline(other.io);
        op.async_hang(cancel_after(deadline, 5s, a.handler()));
        op.complete(error_code(), 1);
        c.poll();
    }
    c.run();
    CHECK(a.calls == 0);
    CHECK(a.handler_is_gone());
}

TEST_CASE("the context of a given timer may go before the operation", "[compose][cancel_after]") {
    timed_context c(any_hint());
    hanging op(c.io);
    answer a;
    {
        timed_context other(1);
        rill::steady_timer deadline(other.io);
        op.async_hang(cancel_after(deadline, 5s, a.handler()));
    }
    op.complete(error_code(), 1);
    c.run();
    CHECK(a.succeeded());
    CHECK(a.handler_is_gone());
}

TEST_CASE("a context may be destroyed while an operation with a deadline completes on another one",
          "[compose][cancel_after][stress]") {
    const int hint = any_hint();
    rill::io_context other(2);
    auto work = rill::make_work_guard(other);
    std::thread runner([&] { other.run(); });
    bool all_gone = true;
    for (int round = 0; round != 5000; ++round) {
        answer a;
        {
            rill::io_context io(hint);
            rill::steady_timer timer(io);
            timer.async_wait(cancel_after(1h, rill::bind_executor(other, a.handler())));
            io.run_one();
            for (std::atomic<int> i = 0; i < round % 700; ++i) {
            }
        }
        all_gone = soon([&] { return a.handler_is_gone(); }) && all_gone;
    }
    CHECK(all_gone);
    work.reset();
    runner.join();
}

TEST_CASE("what a cancellation handler throws leaves run(), and the operation can still complete",
          "[compose][cancel_after]") {
    timed_context c(any_hint());
    hanging op(c.io, cancellation_type::none);
    op.throws = true;
    answer a;
    op.async_hang(cancel_after(5s, a.handler()));
    CHECK_THROWS_AS(c.run(), std::runtime_error);
    op.complete(error_code(), 1);
    c.run();
    CHECK(a.succeeded());
    CHECK(a.handler_is_gone());
}
