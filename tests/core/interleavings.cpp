// SPDX-License-Identifier: BSL-1.0
#include <support/interleavings.hpp>

#include <support/catch.hpp>

#include <array>
#include <atomic>
#include <tuple>

// That the explorer finds what it is there to find.

namespace {

/// Two threads that do nothing together, with @p steps steps each.
struct independent {
    int steps;
    std::array<int, 2> done{};

    std::size_t threads() const { return 2; }
    bool can_step(std::size_t i) const { return done[i] != steps; }
    void step(std::size_t i) { ++done[i]; }
    std::array<int, 2> key() const { return done; }
    std::string violation() const { return ""; }
    std::string violation_at_end() const { return ""; }
};

/// The same, but with states that are never equal: a key for each order.
struct independent_orders : independent {
    std::string order;

    void step(std::size_t i) {
        independent::step(i);
        order += static_cast<char>('0' + i);
    }
    std::string key() const { return order; }
};

/// Each thread adds 1 to a real atomic: at once, or by a load and a store.
struct adding {
    explicit adding(bool in_one_step) : atomically(in_one_step) {}

    std::size_t threads() const { return 2; }
    bool can_step(std::size_t i) const { return position[i] != 2; }
    void step(std::size_t i) {
        if (atomically) {
            sum.fetch_add(1);
            position[i] = 2;
        } else if (position[i]++ == 0) {
            loaded[i] = sum.load();
        } else {
            sum.store(loaded[i] + 1);
        }
    }
    auto key() const { return std::tuple(sum.load(), loaded, position); }
    std::string violation() const { return ""; }
    std::string violation_at_end() const { return sum == 2 ? "" : "an addition is lost"; }

    bool atomically;
    std::atomic<int> sum{0};
    std::array<int, 2> loaded{};
    std::array<int, 2> position{};
};

/// Thread 0 waits for what thread 1 brings. It looks, announces that it sleeps, and sleeps: that loses a wake-up if
/// nothing is looked at in between.
struct sleeping {
    bool looks_again;
    bool arrived = false, announced = false, woken = false;
    int sleeper = 0, waker = 0;

    std::size_t threads() const { return 2; }
    bool can_step(std::size_t i) const { return i == 0 ? sleeper != 4 && (sleeper != 3 || woken) : waker != 2; }
    void step(std::size_t i) {
        if (i == 1) {
            if (waker++ == 0)
                arrived = true;
            else
                woken = announced;
            return;
        }
        switch (sleeper) {
        case 0: sleeper = arrived ? 4 : 1; break;
        case 1:
            announced = true;
            sleeper = looks_again ? 2 : 3;
            break;
        case 2: sleeper = arrived ? 4 : 3; break;
        case 3: sleeper = 4; break;
        }
    }
    auto key() const { return std::tuple(arrived, announced, woken, sleeper, waker); }
    std::string violation() const { return ""; }
    std::string violation_at_end() const { return sleeper == 4 ? "" : "a wake-up is lost"; }
};

/// Both threads want to be alone: they ask whether the other is in, and go in.
struct entering {
    std::array<int, 2> position{};
    std::array<bool, 2> in{};

    std::size_t threads() const { return 2; }
    bool can_step(std::size_t i) const { return position[i] != 3 && (position[i] != 0 || !in[1 - i]); }
    void step(std::size_t i) {
        const int p = position[i]++;
        if (p != 0)
            in[i] = p == 1;
    }
    auto key() const { return std::tuple(position, in); }
    std::string violation() const { return in[0] && in[1] ? "two are in" : ""; }
    std::string violation_at_end() const { return ""; }
};

}  // namespace

TEST_CASE("every state of two threads is visited, and visited once", "[interleavings]") {
    const exploration found = explore_interleavings([] { return independent{4}; });
    CHECK(found.violation == "");
    CHECK(found.states == 25);
    CHECK(found.ends == 1);
}

TEST_CASE("every order of the steps of two threads is taken", "[interleavings]") {
    const exploration found = explore_interleavings([] {
        independent_orders m;
        m.steps = 4;
        return m;
    });
    CHECK(found.violation == "");
    CHECK(found.ends == 70);  // 8 over 4
}

TEST_CASE("exploring finds an addition that is lost in one order of many", "[interleavings]") {
    const exploration found = explore_interleavings([] { return adding(false); });
    CHECK(found.violation == "an addition is lost");

    adding again(false);
    for (std::size_t thread : found.schedule)
        again.step(thread);
    CHECK(again.violation_at_end() == found.violation);
    CHECK(found.report().find("an addition is lost, after the steps of threads 0 1") == 0);

    CHECK(explore_interleavings([] { return adding(true); }).violation == "");
}

TEST_CASE("exploring finds a wake-up that is lost", "[interleavings]") {
    CHECK(explore_interleavings([] { return sleeping{false}; }).violation == "a wake-up is lost");
    CHECK(explore_interleavings([] { return sleeping{true}; }).violation == "");
}

TEST_CASE("exploring finds two threads where one should be alone", "[interleavings]") {
    CHECK(explore_interleavings([] { return entering(); }).violation == "two are in");
}

TEST_CASE("exploring more states than allowed fails", "[interleavings]") {
    CHECK(explore_interleavings([] { return independent{40}; }, 100).violation != "");
}
