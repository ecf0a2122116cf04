// SPDX-License-Identifier: BSL-1.0
#include <rill/context/io_context_strand.hpp>

#include <rill/execution/any_io_executor.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/post.hpp>

#include <support/catch.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

using rill::io_context;
namespace execution = rill::execution;

namespace {

int any_hint() { return GENERATE(1, 2); }

}  // namespace

TEST_CASE("io_context::strand runs functions in order, dispatched ones at once inside", "[context][strand]") {
    io_context io(any_hint());
    const io_context::strand s(io);
    CHECK(&s.context() == &io);
    CHECK_FALSE(s.running_in_this_thread());
    std::string order;
    auto note = [&](char c) { return [&order, c, p = std::make_unique<int>()] { order += c; }; };
    s.post([&] {
        CHECK(s.running_in_this_thread());
        s.defer(note('d'));
        s.post(note('e'), std::allocator<void>());
        s.dispatch(note('a'));
        order += 'b';
    });
    s.dispatch(note('c'));
    CHECK(order.empty());
    io.run();
    CHECK(order == "abcde");
}

TEST_CASE("io_context::strand is an executor", "[context][strand]") {
    io_context io(any_hint());
    const io_context::strand s(io), other(io);
    static_assert(execution::executor<io_context::strand>);
    static_assert(!rill::requirable_for<io_context::strand, execution::blocking_t::always_t>);
    CHECK(s == io_context::strand(s));
    CHECK(s != other);
    CHECK(&rill::query(s, execution::context) == &io);
    CHECK(rill::query(rill::require(s, execution::blocking.never), execution::blocking) == execution::blocking.never);

    int in_strand = 0;
    auto look = [&] { in_strand += s.running_in_this_thread(); };
    rill::post(s, look);
    rill::post(io, rill::bind_executor(s, look));
    rill::post(rill::any_io_executor(s), look);
    s.execute(look);
    rill::basic_waitable_timer<std::chrono::steady_clock, rill::wait_traits<std::chrono::steady_clock>,
                               io_context::strand>
        timer(s);
    timer.expires_after(std::chrono::nanoseconds(0));
    timer.async_wait([&](const rill::error_code&) { look(); });
    io.run();
    CHECK(in_strand == 5);
}

TEST_CASE("what wrap() returns dispatches to the strand, with its arguments", "[context][strand]") {
    io_context io(any_hint());
    io_context::strand s(io);
    std::string got;
    auto handler = s.wrap([&](int a, std::string b) {
        CHECK(s.running_in_this_thread());
        got += std::to_string(a) + b;
    });
    handler(1, "a");
    CHECK(got.empty());
    io.run();
    CHECK(got == "1a");
    s.post([&] {
        handler(2, "b");
        got += '.';
    });
    io.restart();
    io.run();
    CHECK(got == "1a2b.");

    auto move_only = s.wrap([&, p = std::make_unique<int>(3)](int a) { got += std::to_string(*p + a); });
    static_assert(std::is_invocable_v<decltype(move_only)&&, int>);
    static_assert(!std::is_invocable_v<decltype(move_only)&, int>);
    std::move(move_only)(1);
    io.restart();
    io.run();
    CHECK(got == "1a2b.4");
}

TEST_CASE("a wrapped handler of an operation runs in the strand", "[context][strand]") {
    io_context io(any_hint());
    io_context::strand s(io);
    rill::steady_timer timer(io);
    timer.expires_after(std::chrono::nanoseconds(0));
    bool in_strand = false;
    timer.async_wait(s.wrap([&](const rill::error_code& ec) { in_strand = !ec && s.running_in_this_thread(); }));
    io.run();
    CHECK(in_strand);

    rill::cancellation_signal signal;
    timer.expires_after(std::chrono::hours(1));
    bool aborted = false;
    timer.async_wait(s.wrap(rill::bind_cancellation_slot(
        signal.slot(), [&](const rill::error_code& ec) { aborted = ec == rill::error::operation_aborted; })));
    signal.emit(rill::cancellation_type::terminal);
    io.restart();
    io.run();
    CHECK(aborted);
}
