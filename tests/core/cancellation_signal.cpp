// SPDX-License-Identifier: BSL-1.0
#include <rill/core/cancellation_signal.hpp>

#include <support/catch.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

using rill::cancellation_hook;
using rill::cancellation_signal;
using rill::cancellation_slot;
using rill::cancellation_type;

namespace {

/// Sees its calls, and writes to its own memory, so that a call after its death is seen too.
struct counting_hook : cancellation_hook {
    counting_hook() : cancellation_hook(&count) {}
    static void count(cancellation_hook& hook, cancellation_type type) {
        auto& self = static_cast<counting_hook&>(hook);
        self.inside = true;
        ++self.calls;
        self.last = type;
        self.inside = false;
    }
    // Plain on purpose: whoever holds the signal's lock, or has disconnected, may touch them.
    int calls = 0;
    bool inside = false;
    cancellation_type last = cancellation_type::none;
};

constexpr int rounds = 2000;

}  // namespace

TEST_CASE("a slot without a signal is not connected and has no handler", "[core][cancellation]") {
    cancellation_slot slot;
    CHECK_FALSE(slot.is_connected());
    CHECK_FALSE(slot.has_handler());
    slot.clear();
    counting_hook hook;
    hook.connect(slot);
    hook.disconnect();
    CHECK(slot == cancellation_slot());
}

TEST_CASE("emit() calls the handler with the type", "[core][cancellation]") {
    cancellation_signal signal;
    auto slot = signal.slot();
    CHECK(slot.is_connected());
    CHECK_FALSE(slot.has_handler());
    signal.emit(cancellation_type::all);
    auto seen = cancellation_type::none;
    slot.assign([&seen](cancellation_type type) { seen = type; });
    CHECK(slot.has_handler());
    signal.emit(cancellation_type::partial);
    CHECK(seen == cancellation_type::partial);
    signal.emit(cancellation_type::total | cancellation_type::terminal);
    CHECK(seen == (cancellation_type::total | cancellation_type::terminal));
    slot.clear();
    CHECK_FALSE(slot.has_handler());
    seen = cancellation_type::none;
    signal.emit(cancellation_type::all);
    CHECK(seen == cancellation_type::none);
    CHECK(slot == signal.slot());
}

TEST_CASE("a handler is destroyed when it is replaced, cleared, or its signal dies", "[core][cancellation]") {
    auto alive = std::make_shared<int>();
    const auto handler = [alive](cancellation_type) {};
    alive.reset();
    std::weak_ptr<int> first, second, third;
    std::optional<cancellation_signal> signal(std::in_place);
    const auto install = [&](std::weak_ptr<int>& watch) {
        auto owned = std::make_shared<int>();
        watch = owned;
        signal->slot().assign([owned](cancellation_type) {});
    };
    install(first);
    CHECK_FALSE(first.expired());
    install(second);
    CHECK(first.expired());
    signal->slot().clear();
    CHECK(second.expired());
    install(third);
    signal.reset();
    CHECK(third.expired());
}

TEST_CASE("emplace() constructs in memory that the signal keeps and uses again", "[core][cancellation]") {
    struct handler {
        handler(int& s, int n) : sum(&s), number(n) {}
        handler(const handler&) = delete;
        void operator()(cancellation_type) const { *sum += number; }
        int* sum;
        int number;
    };
    cancellation_signal signal;
    int sum = 0;
    const void* first = &signal.slot().emplace<handler>(sum, 1);
    signal.emit(cancellation_type::all);
    const void* second = &signal.slot().emplace<handler>(sum, 10);
    CHECK(first == second);
    signal.emit(cancellation_type::all);
    signal.slot().clear();
    auto small = [&sum](cancellation_type) { sum += 100; };
    signal.slot().assign(small);
    signal.emit(cancellation_type::all);
    CHECK(&signal.slot().emplace<handler>(sum, 1000) == first);
    signal.emit(cancellation_type::all);
    CHECK(sum == 1111);

    struct large : handler {
        using handler::handler;
        char more[500] = {};
    };
    signal.slot().emplace<large>(sum, 5).more[499] = 1;
    signal.emit(cancellation_type::all);
    CHECK(sum == 1116);
}

TEST_CASE("a handler whose constructor throws leaves the slot empty", "[core][cancellation]") {
    struct handler {
        handler() { throw std::runtime_error("no"); }
        void operator()(cancellation_type) const {}
    };
    cancellation_signal signal;
    int calls = 0;
    signal.slot().assign([&calls](cancellation_type) { ++calls; });
    CHECK_THROWS_AS(signal.slot().emplace<handler>(), std::runtime_error);
    CHECK_FALSE(signal.slot().has_handler());
    signal.emit(cancellation_type::all);
    CHECK(calls == 0);
}

TEST_CASE("what a handler throws comes out of emit(), and the signal stays usable", "[core][cancellation]") {
    cancellation_signal signal;
    signal.slot().assign([](cancellation_type) { throw std::runtime_error("no"); });
    CHECK_THROWS_AS(signal.emit(cancellation_type::all), std::runtime_error);
    CHECK_THROWS_AS(signal.emit(cancellation_type::all), std::runtime_error);
    std::thread([&signal] { signal.slot().clear(); }).join();
    CHECK_FALSE(signal.slot().has_handler());
}

TEST_CASE("a handler may emit, assign and clear its own signal", "[core][cancellation]") {
    cancellation_signal signal;
    auto slot = signal.slot();
    int outer = 0, inner = 0;

    SECTION("emit") {
        slot.assign([&](cancellation_type) {
            if (++outer < 3)
                signal.emit(cancellation_type::all);
        });
        signal.emit(cancellation_type::all);
        CHECK(outer == 3);
        CHECK(slot.has_handler());
    }
    SECTION("assign") {
        slot.assign([&outer, &inner, slot](cancellation_type) mutable {
            ++outer;
            int& count = inner;
            slot.assign([&count](cancellation_type) { ++count; });
        });
        signal.emit(cancellation_type::all);
        CHECK(inner == 0);
        signal.emit(cancellation_type::all);
        CHECK(outer == 1);
        CHECK(inner == 1);
    }
    SECTION("clear") {
        slot.assign([&](cancellation_type) {
            ++outer;
            slot.clear();
        });
        signal.emit(cancellation_type::all);
        signal.emit(cancellation_type::all);
        CHECK(outer == 1);
        CHECK_FALSE(slot.has_handler());
    }
    SECTION("connect a hook") {
        counting_hook hook;
        slot.assign([&](cancellation_type) { hook.connect(slot); });
        signal.emit(cancellation_type::partial);
        CHECK(hook.calls == 0);
        signal.emit(cancellation_type::partial);
        CHECK(hook.calls == 1);
        hook.disconnect();
        CHECK_FALSE(slot.has_handler());
    }
}

TEST_CASE("a handler may destroy its own signal", "[core][cancellation]") {
    auto signal = std::make_unique<cancellation_signal>();
    SECTION("in the call") {
        signal->slot().assign([&signal](cancellation_type) { signal.reset(); });
        signal->emit(cancellation_type::all);
    }
    SECTION("in a call within the call") {
        int depth = 0;
        signal->slot().assign([&signal, &depth](cancellation_type) {
            if (++depth == 1)
                signal->emit(cancellation_type::all);
            else
                signal.reset();
        });
        signal->emit(cancellation_type::all);
    }
    SECTION("by being destroyed") {
        auto shared = std::make_shared<cancellation_signal>();
        auto* raw = shared.get();
        std::weak_ptr<cancellation_signal> watch = shared;
        raw->slot().assign([owner = std::move(shared)](cancellation_type) {});
        CHECK_FALSE(watch.expired());
        raw->slot().clear();
        CHECK(watch.expired());
        signal.reset();
    }
    CHECK_FALSE(signal);
}

TEST_CASE("a hook is called while it is connected", "[core][cancellation]") {
    cancellation_signal signal;
    counting_hook hook;
    hook.connect(signal.slot());
    CHECK(signal.slot().has_handler());
    signal.emit(cancellation_type::total);
    CHECK(hook.calls == 1);
    CHECK(hook.last == cancellation_type::total);
    hook.disconnect();
    hook.disconnect();
    CHECK_FALSE(signal.slot().has_handler());
    signal.emit(cancellation_type::total);
    CHECK(hook.calls == 1);
    hook.connect(signal.slot());
    signal.slot().clear();
    signal.emit(cancellation_type::total);
    hook.disconnect();
    CHECK(hook.calls == 1);
}

TEST_CASE("a hook may be disconnected in its own call", "[core][cancellation]") {
    struct once : cancellation_hook {
        once()
            : cancellation_hook([](cancellation_hook& hook, cancellation_type) {
                  ++static_cast<once&>(hook).calls;
                  hook.disconnect();
              }) {}
        int calls = 0;
    };
    cancellation_signal signal;
    once hook;
    hook.connect(signal.slot());
    signal.emit(cancellation_type::all);
    signal.emit(cancellation_type::all);
    CHECK(hook.calls == 1);
}

TEST_CASE("the hook that is connected last is the one that is called", "[core][cancellation]") {
    cancellation_signal signal;
    counting_hook first, second;
    first.connect(signal.slot());
    second.connect(signal.slot());
    signal.emit(cancellation_type::all);
    CHECK(first.calls == 0);
    CHECK(second.calls == 1);
    first.disconnect();  // which must not take away the second
    signal.emit(cancellation_type::all);
    CHECK(second.calls == 2);
    int calls = 0;
    signal.slot().assign([&calls](cancellation_type) { ++calls; });
    second.disconnect();
    signal.emit(cancellation_type::all);
    CHECK(second.calls == 2);
    CHECK(calls == 1);
}

TEST_CASE("a signal and its hook may die in either order", "[core][cancellation]") {
    std::optional<cancellation_signal> signal(std::in_place);
    std::optional<counting_hook> hook(std::in_place);
    hook->connect(signal->slot());
    SECTION("the signal first") {
        signal.reset();
        hook->disconnect();
        hook.reset();
    }
    SECTION("the hook first") {
        hook->disconnect();
        hook.reset();
        signal->emit(cancellation_type::all);
        signal.reset();
    }
}

TEST_CASE("destroying, clearing and disconnecting wait for an emit() on another thread", "[core][cancellation]") {
    auto signal = std::make_unique<cancellation_signal>();
    std::atomic<bool> entered{false}, leave{false}, left{false};
    bool emit_was_over = false;
    std::atomic<bool> over{false};
    struct slow_hook : cancellation_hook {
        slow_hook(std::atomic<bool>& e, std::atomic<bool>& l, std::atomic<bool>& f)
            : cancellation_hook([](cancellation_hook& hook, cancellation_type) {
                  auto& self = static_cast<slow_hook&>(hook);
                  self.entered = true;
                  soon([&] { return self.leave.load(); });
                  self.left = true;
              }),
              entered(e),
              leave(l),
              left(f) {}
        std::atomic<bool>&entered, &leave, &left;
    };
    slow_hook hook(entered, leave, left);
    hook.connect(signal->slot());
    const int what = GENERATE(0, 1, 2);
    std::thread emitter([&signal] { signal->emit(cancellation_type::all); });
    const bool was_entered = soon([&] { return entered.load(); });
    std::thread waiter([&] {
        if (what == 0)
            signal.reset();
        else if (what == 1)
            signal->slot().clear();
        else
            hook.disconnect();
        emit_was_over = left;
        over = true;
    });
    for (int i = 0; i < 1000; ++i)
        std::this_thread::yield();
    const bool early = over;
    leave = true;
    emitter.join();
    waiter.join();
    CHECK(was_entered);
    CHECK_FALSE(early);
    CHECK(emit_was_over);
    hook.disconnect();
}

TEST_CASE("after disconnect() a hook may be freed, whatever other threads emit and clear", "[core][cancellation]") {
    cancellation_signal signal;
    std::atomic<bool> done{false};
    std::thread emitters[2];
    for (auto& t : emitters)
        t = std::thread([&] {
            while (!done)
                signal.emit(cancellation_type::all);
        });
    bool clear_too = GENERATE(false, true);
    std::thread clearer([&] {
        while (clear_too && !done) {
            signal.slot().clear();
            std::this_thread::yield();
        }
    });
    long calls = 0;
    bool inside = false;
    for (int i = 0; i < rounds; ++i) {
        auto hook = std::make_unique<counting_hook>();
        hook->connect(signal.slot());
        if (i % 3 == 0)
            std::this_thread::yield();
        hook->disconnect();
        inside |= hook->inside;
        calls += hook->calls;
    }
    done = true;
    for (auto& t : emitters)
        t.join();
    clearer.join();
    CHECK_FALSE(inside);
    CHECK(calls >= 0);
    CHECK_FALSE(signal.slot().has_handler());
}

TEST_CASE("handlers are assigned and cleared while two threads emit", "[core][cancellation]") {
    cancellation_signal signal;
    std::atomic<bool> done{false};
    std::atomic<long> calls{0}, alive{0};
    std::thread emitters[2];
    for (auto& t : emitters)
        t = std::thread([&] {
            while (!done)
                signal.emit(cancellation_type::all);
        });
    struct handler {
        handler(std::atomic<long>& c, std::atomic<long>& a) : calls(&c), alive(&a) { ++*alive; }
        handler(const handler& other) : calls(other.calls), alive(other.alive) { ++*alive; }
        ~handler() { --*alive; }
        void operator()(cancellation_type) { ++*calls; }
        std::atomic<long>*calls, *alive;
    };
    std::thread other([&] {
        for (int i = 0; i < rounds; ++i)
            signal.slot().assign(handler(calls, alive));
    });
    for (int i = 0; i < rounds; ++i) {
        signal.slot().emplace<handler>(calls, alive);
        if (i % 2)
            signal.slot().clear();
        static_cast<void>(signal.slot().has_handler());
    }
    other.join();
    const bool was_called = soon([&] { return calls > 0 || !signal.slot().has_handler(); });
    done = true;
    for (auto& t : emitters)
        t.join();
    signal.slot().clear();
    CHECK(was_called);
    CHECK(alive == 0);
}

TEST_CASE("a signal is destroyed while its hook is disconnected on another thread", "[core][cancellation]") {
    std::atomic<counting_hook*> handed_over{nullptr};
    std::atomic<int> taken{0};
    std::thread disconnecter([&] {
        for (int i = 0; i < rounds; ++i) {
            counting_hook* hook = nullptr;
            if (!soon([&] { return (hook = handed_over.exchange(nullptr)) != nullptr; }))
                return;
            hook->disconnect();
            delete hook;
            ++taken;
        }
    });
    for (int i = 0; i < rounds; ++i) {
        auto signal = std::make_unique<cancellation_signal>();
        auto* hook = new counting_hook;
        hook->connect(signal->slot());
        handed_over = hook;
        if (i % 2)
            signal->emit(cancellation_type::all);
        if (i % 3 == 0)
            signal->slot().assign([](cancellation_type) {});
        signal.reset();
        soon([&] { return taken > i; });
    }
    disconnecter.join();
    CHECK(taken == rounds);
}
