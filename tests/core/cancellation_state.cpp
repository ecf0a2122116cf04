// SPDX-License-Identifier: BSL-1.0
#include <rill/core/cancellation_state.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

using rill::cancellation_signal;
using rill::cancellation_slot;
using rill::cancellation_state;
using rill::cancellation_type;

TEST_CASE("a state without a slot relays nothing and is never cancelled", "[core][cancellation]") {
    cancellation_state state;
    CHECK_FALSE(state.slot().is_connected());
    CHECK(!state.cancelled());
    state.clear();
    cancellation_state unconnected{cancellation_slot()};
    CHECK_FALSE(unconnected.slot().is_connected());
}

TEST_CASE("a state relays terminal cancellation unless told otherwise", "[core][cancellation]") {
    cancellation_signal signal;
    cancellation_state state(signal.slot());
    auto seen = cancellation_type::none;
    state.slot().assign([&seen](cancellation_type type) { seen = type; });
    signal.emit(cancellation_type::total);
    CHECK(!seen);
    CHECK(!state.cancelled());
    signal.emit(cancellation_type::terminal | cancellation_type::total);
    CHECK(seen == cancellation_type::terminal);
    CHECK(state.cancelled() == cancellation_type::terminal);
    state.clear();
    CHECK(!state.cancelled());
}

TEST_CASE("the filters say what is remembered and what goes on", "[core][cancellation]") {
    cancellation_signal signal;
    cancellation_state state(signal.slot(), rill::enable_total_cancellation(), rill::enable_terminal_cancellation());
    int calls = 0;
    state.slot().assign([&calls](cancellation_type type) { calls += type == cancellation_type::terminal ? 1 : 100; });
    signal.emit(cancellation_type::partial);
    CHECK(state.cancelled() == cancellation_type::partial);
    CHECK(calls == 0);
    signal.emit(cancellation_type::all);
    CHECK(state.cancelled() == (cancellation_type::terminal | cancellation_type::partial | cancellation_type::total));
    CHECK(calls == 1);

    cancellation_state deaf(signal.slot(), rill::disable_cancellation());
    signal.emit(cancellation_type::all);
    CHECK(!deaf.cancelled());
    CHECK(calls == 1);

    cancellation_state custom(signal.slot(), [](cancellation_type type) {
        return !!(type & cancellation_type::total) ? cancellation_type::partial : cancellation_type::none;
    });
    signal.emit(cancellation_type::total);
    CHECK(custom.cancelled() == cancellation_type::partial);
}

TEST_CASE("copies of a state share one relay, which lives as long as the last of them", "[core][cancellation]") {
    cancellation_signal signal;
    auto first = std::make_unique<cancellation_state>(signal.slot());
    cancellation_state second(*first);
    CHECK(first->slot() == second.slot());
    cancellation_state third(std::move(*first));
    first.reset();
    signal.emit(cancellation_type::terminal);
    CHECK(second.cancelled() == cancellation_type::terminal);
    second.clear();
    CHECK(!third.cancelled());
    second = cancellation_state();
    signal.emit(cancellation_type::terminal);
    CHECK(third.cancelled() == cancellation_type::terminal);
    CHECK(signal.slot().has_handler());
    auto& same = third;
    third = same;
    third = cancellation_state();
    CHECK_FALSE(signal.slot().has_handler());
}

TEST_CASE("a state outlives its signal", "[core][cancellation]") {
    std::optional<cancellation_signal> signal(std::in_place);
    cancellation_state state(signal->slot());
    signal->emit(cancellation_type::terminal);
    signal.reset();
    CHECK(state.cancelled() == cancellation_type::terminal);
    CHECK(state.slot().is_connected());
}

TEST_CASE("states in a row relay to each other", "[core][cancellation]") {
    cancellation_signal signal;
    cancellation_state outer(signal.slot(), rill::enable_total_cancellation());
    cancellation_state inner(outer.slot(), rill::enable_partial_cancellation());
    signal.emit(cancellation_type::partial | cancellation_type::total);
    CHECK(inner.cancelled() == cancellation_type::partial);
}

TEST_CASE("a step that is cancelled may destroy the state at once", "[core][cancellation]") {
    cancellation_signal signal;
    auto state = std::make_unique<cancellation_state>(signal.slot());
    state->slot().assign([&state](cancellation_type) { state.reset(); });
    signal.emit(cancellation_type::terminal);
    CHECK_FALSE(state);
    CHECK_FALSE(signal.slot().has_handler());
    signal.emit(cancellation_type::terminal);
}

TEST_CASE("states come and go while another thread emits", "[core][cancellation]") {
    cancellation_signal signal;
    std::atomic<bool> done{false};
    std::thread emitter([&] {
        while (!done)
            signal.emit(cancellation_type::terminal);
    });
    int steps = 0;
    for (int i = 0; i < 2000; ++i) {
        cancellation_state state(signal.slot());
        auto step = std::make_unique<int>(0);
        state.slot().assign([&step](cancellation_type) { ++*step; });
        std::this_thread::yield();
        const bool cancelled = !!state.cancelled();
        state.slot().clear();
        steps += cancelled ? *step : 0;
    }
    done = true;
    emitter.join();
    CHECK(steps >= 0);
}
