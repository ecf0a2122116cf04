// SPDX-License-Identifier: BSL-1.0
#include <rill/windows/object_handle.hpp>

#include <rill/context/io_context.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/make_work_guard.hpp>

#include <support/catch.hpp>
#include <support/soon.hpp>
#include <support/windows/files.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using rill::error_code;
using rill::windows::object_handle;
namespace error = rill::error;

namespace {

int any_hint() { return GENERATE(1, 2); }

HANDLE make_event(bool stays_set, bool set = false) { return CreateEventW(nullptr, stays_set, set, nullptr); }

}  // namespace

TEST_CASE("a wait for an event ends when it is set", "[windows][object_handle]") {
    rill::io_context io(any_hint());
    object_handle event(io, make_event(true));
    error_code result = error::fault;
    event.async_wait([&](error_code ec) { result = ec; });
    io.poll();
    CHECK(result == error::fault);
    SECTION("by this thread") { SetEvent(event.native_handle()); }
    std::thread other;
    SECTION("by another one") {
        other = std::thread([h = event.native_handle()] { SetEvent(h); });
    }
    io.restart();
    CHECK(io.run_for(60s) == 1);
    CHECK(!result);
    if (other.joinable())
        other.join();
    event.wait();
}

TEST_CASE("a wait for an event that is set ends later, not from inside", "[windows][object_handle]") {
    rill::io_context io(any_hint());
    object_handle event(io, make_event(true, true));
    error_code result = error::fault;
    event.async_wait([&](error_code ec) { result = ec; });
    CHECK(result == error::fault);
    io.run_for(60s);
    CHECK(!result);
}

TEST_CASE("an event that resets itself ends one wait at a time, the first one first", "[windows][object_handle]") {
    rill::io_context io(any_hint());
    object_handle event(io, make_event(false));
    std::vector<int> order;
    for (int i = 0; i < 5; ++i)
        event.async_wait([&, i](error_code ec) { order.push_back(ec ? -1 : i); });
    for (int i = 0; i < 5; ++i) {
        SetEvent(event.native_handle());
        io.restart();
        CHECK(io.run_one_for(60s) == 1);
        io.poll();
        REQUIRE(order.size() == static_cast<std::size_t>(i) + 1);
        CHECK(order.back() == i);
    }
}

TEST_CASE("all waits for an event that stays set end, in their order", "[windows][object_handle]") {
    rill::io_context io(any_hint());
    object_handle event(io, make_event(true));
    int ended = 0, in_order = 0;
    for (int i = 0; i < 50; ++i)
        event.async_wait([&, i](error_code ec) {
            in_order += !ec && ended == i;
            ++ended;
        });
    SetEvent(event.native_handle());
    io.run_for(60s);
    CHECK(ended == 50);
    CHECK(in_order == 50);
}

TEST_CASE("the end of a thread is waited for", "[windows][object_handle]") {
    rill::io_context io(any_hint());
    object_handle thread(io, CreateThread(
                                 nullptr, 0, [](void*) -> DWORD { return 0; }, nullptr, 0, nullptr));
    error_code result = error::fault;
    thread.async_wait([&](error_code ec) { result = ec; });
    io.run_for(60s);
    CHECK(!result);
}

TEST_CASE("a wait for an object is cancelled", "[windows][object_handle]") {
    rill::io_context io(any_hint());
    object_handle event(io, make_event(true));
    const HANDLE native = event.native_handle();
    error_code result;
    rill::cancellation_signal signal;
    const auto handler = [&](error_code ec) { result = ec; };
    SECTION("by its slot") {
        event.async_wait(rill::bind_cancellation_slot(signal.slot(), handler));
        io.poll();
        signal.emit(GENERATE(rill::cancellation_type::terminal, rill::cancellation_type::partial,
                             rill::cancellation_type::total));
        CHECK(is_open_handle(native));
    }
    SECTION("by its object") {
        event.async_wait(handler);
        io.poll();
        event.cancel();
        CHECK(is_open_handle(native));
    }
    SECTION("by the end of its handle") {
        event.async_wait(handler);
        io.poll();
        event.close();
        CHECK(!is_open_handle(native));
    }
    SECTION("as its object dies") {
        object_handle moved(std::move(event));
        moved.async_wait(handler);
        io.poll();
    }
    SECTION("by its release") {
        event.async_wait(handler);
        io.poll();
        CHECK(event.release() == native);
        CHECK(is_open_handle(native));
        CloseHandle(native);
    }
    io.restart();
    CHECK(io.run_for(60s) == 1);
    CHECK(result == error::operation_aborted);
}

TEST_CASE("a wait that was cancelled does not end the next one", "[windows][object_handle]") {
    rill::io_context io(any_hint());
    object_handle event(io, make_event(false));
    rill::cancellation_signal signal;
    error_code first = error::fault, second = error::fault;
    event.async_wait(rill::bind_cancellation_slot(signal.slot(), [&](error_code ec) { first = ec; }));
    event.async_wait([&](error_code ec) { second = ec; });
    io.poll();
    signal.emit(rill::cancellation_type::total);
    io.restart();
    io.poll();
    CHECK(first == error::operation_aborted);
    CHECK(second == error::fault);
    SetEvent(event.native_handle());
    io.restart();
    io.run_for(60s);
    CHECK(!second);
}

TEST_CASE("a wait for an event and its cancellation race", "[windows][object_handle]") {
    rill::io_context io(any_hint());
    auto work = rill::make_work_guard(io);
    std::thread runner([&] { io.run(); });
    std::atomic<int> ended{0}, wrong{0};
    constexpr int rounds = 1000;
    int started = 0;
    for (; started < rounds; ++started) {
        object_handle event(io, make_event(true));
        rill::cancellation_signal signal;
        event.async_wait(rill::bind_cancellation_slot(signal.slot(), [&](error_code ec) {
            wrong += ec && ec != error::operation_aborted;
            ++ended;
        }));
        std::thread setter([h = event.native_handle()] { SetEvent(h); });
        signal.emit(rill::cancellation_type::terminal);
        setter.join();
        if (started % 2)
            event.close();
        if (!soon([&] { return ended == started + 1; }))
            break;
    }
    work.reset();
    runner.join();
    CHECK(started == rounds);
    CHECK(ended == rounds);
    CHECK(wrong == 0);
}

TEST_CASE("a context that is destroyed ends the waits of an object, which outlives it", "[windows][object_handle]") {
    auto io = std::make_unique<rill::io_context>(any_hint());
    object_handle event(*io, make_event(true));
    bool called = false;
    event.async_wait([&](error_code) { called = true; });
    event.async_wait([&](error_code) { called = true; });
    io.reset();
    CHECK(!called);
    CHECK(is_open_handle(event.native_handle()));
    SetEvent(event.native_handle());
    event.wait();
}

TEST_CASE("an object handle says what is wrong with a handle", "[windows][object_handle]") {
    rill::io_context io(any_hint());
    object_handle none(io);
    error_code ec, result;
    none.wait(ec);
    CHECK(ec == error::bad_descriptor);
    CHECK_THROWS_AS(none.wait(), rill::system_error);
    none.async_wait([&](error_code e) { result = e; });
    io.run_for(60s);
    CHECK(result == error::bad_descriptor);
    none.assign(nullptr, ec);
    CHECK(ec == error::bad_descriptor);
}
