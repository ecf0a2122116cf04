// SPDX-License-Identifier: BSL-1.0
#include <rill/context/strand.hpp>

#include <rill/context/io_context.hpp>
#include <rill/execution/any_io_executor.hpp>
#include <rill/token/dispatch.hpp>
#include <rill/token/post.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Strands that are busy, stopped, thrown out of, destroyed; and inner executors that refuse.

using rill::io_context;
using rill::make_strand;

namespace {

int any_hint() { return GENERATE(1, 2); }

/// Counts how often it is called, and how many of it there are.
class counted {
public:
    struct totals {
        int called = 0, alive = 0;
    };

    explicit counted(totals& t) : totals_(&t) { ++totals_->alive; }
    counted(counted&& other) noexcept : totals_(other.totals_) { ++totals_->alive; }
    ~counted() { --totals_->alive; }
    void operator()() { ++totals_->called; }

private:
    totals* totals_;
};

/// Posts itself until none are left.
template <class Strand>
struct chain {
    Strand strand;
    int* left;
    void operator()() const {
        if (--*left > 0)
            rill::post(strand, *this);
    }
};

/// What an inner executor does with a function that it is given.
struct behaviour {
    enum { keep, run, refuse, drop } next = keep;
    std::vector<std::shared_ptr<void>> kept;
    std::vector<void (*)(void*)> calls;
    int depth = 0, deepest = 0;

    void run_kept() {
        for (std::size_t i = 0; i != kept.size(); ++i)
            calls[i](kept[i].get());
        kept.clear();
        calls.clear();
    }
};

class obedient_executor {
public:
    explicit obedient_executor(behaviour& b) : behaviour_(&b) {}
    template <class Function>
    void execute(Function f) const {
        switch (behaviour_->next) {
        case behaviour::keep:
            behaviour_->kept.push_back(std::make_shared<Function>(std::move(f)));
            behaviour_->calls.push_back([](void* p) { (*static_cast<Function*>(p))(); });
            break;
        case behaviour::run:
            behaviour_->deepest = std::max(behaviour_->deepest, ++behaviour_->depth);
            f();
            --behaviour_->depth;
            break;
        case behaviour::refuse: throw std::bad_alloc();
        case behaviour::drop: break;
        }
    }
    friend bool operator==(const obedient_executor&, const obedient_executor&) = default;

private:
    behaviour* behaviour_;
};

}  // namespace

TEST_CASE("a busy strand lets others run", "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(io);
    int left = 1000;
    std::vector<int> seen;
    rill::post(s, chain<decltype(s)>{s, &left});
    for (int i = 0; i != 3; ++i)
        rill::post(io, [&] { seen.push_back(left); });
    io.run();
    CHECK(left == 0);
    REQUIRE(seen.size() == 3);
    CHECK(seen.back() >= 900);
}

TEST_CASE("two busy strands take turns", "[context][strand]") {
    io_context io(any_hint());
    auto a = make_strand(io), b = make_strand(io);
    int left_a = 1000, left_b = 1000, most_apart = 0;
    for (int i = 0; i != 1000; ++i) {
        rill::post(a, [&] { most_apart = std::max(most_apart, std::abs(--left_a - left_b)); });
        rill::post(b, [&] { most_apart = std::max(most_apart, std::abs(left_a - --left_b)); });
    }
    io.run();
    CHECK(left_a == 0);
    CHECK(left_b == 0);
    CHECK(most_apart < 100);
}

TEST_CASE("stop() ends a strand's batch, and the rest comes with the next run()", "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(io);
    int ran = 0;
    for (int i = 0; i != 5; ++i)
        rill::post(s, [&] {
            if (++ran == 2)
                io.stop();
        });
    io.run();
    CHECK(ran == 2);
    io.restart();
    io.run();
    CHECK(ran == 5);
}

TEST_CASE("after an exception out of a handler the strand goes on", "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(io);
    std::string order;
    rill::post(s, [&] {
        order += 'a';
        rill::post(s, [&] { order += 'd'; });
        throw std::runtime_error("a");
    });
    rill::post(s, [&] {
        order += 'b';
        throw std::runtime_error("b");
    });
    rill::post(s, [&] { order += 'c'; });
    CHECK_THROWS_WITH(io.run(), "a");
    CHECK(order == "a");
    CHECK_FALSE(s.running_in_this_thread());
    CHECK_THROWS_WITH(io.run(), "b");
    io.run();
    CHECK(order == "abcd");

    io.restart();
    rill::post(s, [&] { throw std::runtime_error("the only one"); });
    CHECK_THROWS_WITH(io.run(), "the only one");
    rill::post(s, [&] { order += 'e'; });
    io.run();
    CHECK(order == "abcde");
}

TEST_CASE("an exception leaves dispatch() if that runs the function", "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(io);
    std::string order;
    auto thrower = [&] {
        rill::post(s, [&] { order += 'b'; });
        throw std::runtime_error("a");
    };
    rill::post(io, [&] {
        CHECK_THROWS_WITH(rill::dispatch(s, thrower), "a");
        CHECK_FALSE(s.running_in_this_thread());
        order += 'a';
        rill::post(s, [&] {
            CHECK_THROWS_WITH(rill::dispatch(s, thrower), "a");
            CHECK(s.running_in_this_thread());
        });
    });
    io.run();
    CHECK(order == "abb");
}

TEST_CASE("a strand object may be destroyed before its functions have run", "[context][strand]") {
    counted::totals t;
    io_context io(any_hint());
    {
        auto s = make_strand(io);
        for (int i = 0; i != 3; ++i)
            rill::post(s, counted(t));
    }
    CHECK(t.alive == 3);
    io.run();
    CHECK(t.called == 3);
    CHECK(t.alive == 0);
}

TEST_CASE("a function may destroy the strand that runs it", "[context][strand]") {
    counted::totals t;
    io_context io(any_hint());
    std::optional s(make_strand(io));
    rill::post(*s, [&] {
        rill::post(*s, counted(t));
        s.reset();
    });
    io.run();
    CHECK(t.called == 1);
    s.emplace(make_strand(io));
    io.restart();
    rill::post(io, [&] { rill::dispatch(*s, [&] { s.reset(); }); });
    io.run();
    CHECK_FALSE(s);
}

TEST_CASE("a context destroyed with a strand's functions queued destroys them uncalled", "[context][strand]") {
    counted::totals t;
    const bool any = GENERATE(false, true);
    std::optional<rill::strand<io_context::executor_type>> survivor;
    std::optional<rill::strand<rill::any_io_executor>> any_survivor;
    {
        io_context io(any_hint());
        auto s = make_strand(io);
        auto outer = make_strand(s);
        auto erased = make_strand(rill::any_io_executor(io.get_executor()));
        for (int i = 0; i != 3; ++i) {
            rill::post(s, counted(t));
            rill::post(outer, counted(t));
            rill::post(erased, counted(t));
            // Keeps its own strand alive, and posts when it is destroyed.
            rill::post(s, [c = counted(t), s, outer,
                           posts = std::shared_ptr<void>(nullptr, [&t, s](void*) { rill::post(s, counted(t)); })] {});
        }
        if (any)
            any_survivor = erased;
        else
            survivor = s;
    }
    CHECK(t.called == 0);
    CHECK(t.alive == 0);
}

TEST_CASE("a context destroyed after an exception out of a strand destroys the rest", "[context][strand]") {
    counted::totals t;
    {
        io_context io(any_hint());
        auto s = make_strand(io);
        rill::post(s, [] { throw std::runtime_error("first"); });
        rill::post(s, counted(t));
        CHECK_THROWS_WITH(io.run(), "first");
        CHECK(t.alive == 1);
    }
    CHECK(t.called == 0);
    CHECK(t.alive == 0);
}

TEST_CASE("if the inner executor throws, the function is destroyed and the strand works on", "[context][strand]") {
    behaviour b;
    counted::totals t;
    auto s = make_strand(obedient_executor(b));
    CHECK(s.get_inner_executor() == obedient_executor(b));
    b.next = behaviour::refuse;
    CHECK_THROWS_AS(s.execute(counted(t)), std::bad_alloc);
    CHECK(t.alive == 0);
    b.next = behaviour::keep;
    s.execute(counted(t));
    b.run_kept();
    CHECK(t.called == 1);
    CHECK(t.alive == 0);
}

TEST_CASE("if the inner executor refuses to go on with the strand, the strand goes on by itself", "[context][strand]") {
    behaviour b;
    counted::totals t;
    auto s = make_strand(obedient_executor(b));
    for (int i = 0; i != 40; ++i)
        s.execute(counted(t));
    b.next = behaviour::refuse;
    b.run_kept();
    CHECK(t.called == 40);
    CHECK(t.alive == 0);
}

TEST_CASE("what is left by an exception and refused by the inner executor waits for the next function",
          "[context][strand]") {
    behaviour b;
    counted::totals t;
    {
        auto s = make_strand(obedient_executor(b));
        for (int i = 0; i != 2; ++i) {
            s.execute([] { throw std::runtime_error("first"); });
            s.execute(counted(t));
            s.execute(counted(t));
            b.next = behaviour::refuse;
            CHECK_THROWS_WITH(b.run_kept(), "first");
            CHECK(t.called == 2 * i);
            CHECK(t.alive == 2);
            b.next = behaviour::keep;
            b.kept.clear();
            b.calls.clear();
            if (i == 0) {
                s.execute(counted(t));
                b.run_kept();
                CHECK(t.called == 3);
                CHECK(t.alive == 0);
                --t.called;
            }
        }
    }
    CHECK(t.called == 2);
    CHECK(t.alive == 0);
}

TEST_CASE("if the inner executor drops the strand's runner, the functions are destroyed", "[context][strand]") {
    behaviour b;
    counted::totals t;
    auto s = make_strand(obedient_executor(b));
    b.next = behaviour::drop;
    s.execute(counted(t));
    CHECK(t.alive == 0);
    b.next = behaviour::keep;
    for (int i = 0; i != 20; ++i)
        s.execute(counted(t));
    b.next = behaviour::drop;
    auto kept = std::move(b.kept);
    b.calls.front()(kept.front().get());
    CHECK(t.called == 16);
    CHECK(t.alive == 0);
}

TEST_CASE("an inner executor that runs all at once does not fill the stack", "[context][strand]") {
    behaviour b;
    counted::totals t;
    auto s = make_strand(obedient_executor(b));
    for (int i = 0; i != 1000; ++i)
        s.execute(counted(t));
    auto kept = std::move(b.kept);
    b.next = behaviour::run;
    b.calls.front()(kept.front().get());
    CHECK(t.called == 1000);
    CHECK(t.alive == 0);
    CHECK(b.deepest == 1);
    s.execute([&] { CHECK(s.running_in_this_thread()); });
    CHECK(t.called == 1000);
}
