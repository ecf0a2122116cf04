// SPDX-License-Identifier: BSL-1.0
#include <rill/engine/scheduler/crew.hpp>

#include <support/catch.hpp>
#include <support/interleavings.hpp>

#include <array>
#include <cstddef>
#include <string>

// The protocol by which the threads of a shared loop sleep and are woken, in all orders of its steps: the model below
// follows crew.ipp, loop_shared.ipp and loop::push_inbox() operation by operation.

namespace {

constexpr int workers = 3;  // the last of them is inside poll(): it looks at the driver once, and never waits
constexpr int poller = 2;
constexpr int strangers = 2;  // threads outside run(), each of which posts one task

/// The protocol, and mistakes that were made or that the comment in crew.hpp warns of.
enum class variant {
    as_it_is,
    look_then_announce,     // announce() does its two parts the other way round
    look_keeps_the_wake_up  // a wake-up that ends a mere look is not taken over
};

/// What a task does.
enum task_kind : signed char {
    plain = 1,
    blocking = 2,  // it posts a plain task, and then holds its thread up for ever
};

struct crew_model {
    enum place : signed char {
        pop,             // its own queue, without the mutex
        post_own,        // a blocking task pushes
        read_wanted,     // and looks whether it must wake
        held_up,         // and blocks
        lock_to_wake,    // its post is wanted
        lock_to_search,  // nothing of its own
        begin_search,
        clear_asleep,
        take_inbox,
        steal,
        steal_next,
        pop_found,
        begin_wait,
        announce,  // the flag
        announce_inbox,
        look,  // at the queues, one step for each
        look_next,
        look_last,
        failed,  // something was found: withdraw
        failed_inbox,
        unlock_to_run,
        unlock_to_wait,
        wait,
        lock_after_wait,
        unlock_to_look,
        look_at_driver,
        lock_after_look,
        // strangers
        push,
        lock_to_push,
        push_locked,
        done,
    };

    crew_model(variant v, task_kind first) : variant_(v) { queue[0] = {first, 0, 0}; }

    // shared
    std::array<std::array<signed char, 3>, workers> queue{};  // oldest first; 0: none
    std::array<signed char, 3> inbox{};
    signed char asleep = 0, wanted = 0, mutex = -1;
    signed char searching = 0, waiting = 0, wake_under_way = 0, edge = 0;
    // each thread's
    std::array<place, workers + strangers> at{pop, pop, pop, push, push};
    std::array<signed char, workers> searches{}, running{}, to_wait{};
    signed char has_looked = 0;  // the one in poll()

    std::size_t threads() const { return at.size(); }

    bool can_step(std::size_t t) const {
        switch (at[t]) {
        case held_up:
        case done: return false;
        case lock_to_wake:
        case lock_to_search:
        case lock_after_wait:
        case lock_after_look:
        case lock_to_push: return mutex < 0;
        case wait: return edge != 0;
        default: return true;
        }
    }

    static signed char take(std::array<signed char, 3>& from) {
        signed char first = from[0];
        from = {from[1], from[2], 0};
        return first;
    }
    static void add(std::array<signed char, 3>& to, signed char t) {
        for (auto& slot : to) {
            if (slot == 0) {
                slot = t;
                return;
            }
        }
    }

    void wake_one() {  // with the mutex; the flag's and the inbox's parts cannot be told apart by others: see withdraw
        ++searching;
        wake_under_way = 1;
        wanted = 0;
        asleep = 0;
        edge = 1;
    }

    void step(std::size_t t) {
        place& pc = at[t];
        auto w = static_cast<int>(t);
        switch (pc) {
        case pop:
            running[t] = take(queue[t]);
            pc = running[t] ? run(t) : lock_to_search;
            break;
        case post_own:
            add(queue[t], plain);
            pc = read_wanted;
            break;
        case read_wanted: pc = wanted ? lock_to_wake : held_up; break;
        case lock_to_wake:  // to the end of the mutex' being held: nothing in between can be seen without it
            if (wanted)
                wake_one();
            pc = held_up;
            break;
        case lock_to_search:
            mutex = static_cast<signed char>(w);
            pc = begin_search;
            break;
        case begin_search:
            if (!searches[t]) {
                searches[t] = 1;
                ++searching;
            }
            wanted = 0;
            pc = clear_asleep;
            break;
        case clear_asleep:
            asleep = 0;
            pc = take_inbox;
            break;
        case take_inbox:
            while (inbox[0])
                add(queue[t], take(inbox));
            pc = queue[t][0] ? pop_found : steal;
            break;
        case steal:
            steal_from(queue[(t + 1) % workers], t);
            pc = queue[t][0] ? pop_found : steal_next;
            break;
        case steal_next:
            steal_from(queue[(t + 2) % workers], t);
            pc = queue[t][0] ? pop_found : t != poller ? begin_wait : has_looked ? begin_leaving(t) : unlock_to_look;
            break;
        case pop_found:
            running[t] = take(queue[t]);
            if (running[t] == 0) {  // somebody stole it again
                pc = begin_search;
                break;
            }
            pc = found(t);
            break;
        case begin_wait:
            ++waiting;
            searches[t] = 0;
            to_wait[t] = 1;
            --searching;
            pc = searching == 0 ? begin_announcing() : unlock_to_wait;
            break;
        case announce:
            wanted = 1;
            pc = announce_inbox;
            break;
        case announce_inbox:
            if (inbox[0]) {
                pc = failed;
            } else {
                asleep = 1;
                pc = looks_first() ? end_announcing(t) : look;
            }
            break;
        case look: pc = queue[0][0] ? failed : look_next; break;
        case look_next: pc = queue[1][0] ? failed : look_last; break;
        case look_last: pc = queue[2][0] ? failed : looks_first() ? announce : end_announcing(t); break;
        case failed:
            wanted = 0;
            pc = failed_inbox;
            break;
        case failed_inbox:
            asleep = 0;
            if (to_wait[t]) {
                --waiting;
                end_wait(t);
                pc = begin_search;
            } else {
                wake_one();
                pc = unlock_to_run;
            }
            break;
        case unlock_to_run:
            mutex = -1;
            pc = leaving(t) ? done : run(t);
            break;
        case unlock_to_look:
            mutex = -1;
            pc = look_at_driver;
            break;
        case look_at_driver:
            edge = 0;
            pc = lock_after_look;
            break;
        case lock_after_look:
            mutex = static_cast<signed char>(w);
            has_looked = 1;
            if (wake_under_way && variant_ != variant::look_keeps_the_wake_up) {
                wake_under_way = 0;
                --searching;
            }
            pc = begin_search;
            break;
        case unlock_to_wait:
            mutex = -1;
            pc = wait;
            break;
        case wait:
            edge = 0;
            pc = lock_after_wait;
            break;
        case lock_after_wait:
            mutex = static_cast<signed char>(w);
            --waiting;
            end_wait(t);
            pc = begin_search;
            break;
        case push:
            if (asleep) {
                pc = lock_to_push;
            } else {
                add(inbox, plain);
                pc = done;
            }
            break;
        case lock_to_push:
            mutex = static_cast<signed char>(w);
            pc = push_locked;
            break;
        case push_locked: {
            const bool must_wake = asleep;
            asleep = 0;
            add(inbox, plain);
            if (must_wake && wanted)
                wake_one();
            mutex = -1;
            pc = done;
            break;
        }
        default: break;
        }
    }

    static void steal_from(std::array<signed char, 3>& other, std::array<signed char, 3>& own) {
        for (int n = (other[0] != 0) + (other[2] != 0); n > 0; --n)
            add(own, take(other));
    }
    void steal_from(std::array<signed char, 3>& other, std::size_t t) { steal_from(other, queue[t]); }

    /// It has a task, or gives up.
    place found(std::size_t t) {
        searches[t] = 0;
        to_wait[t] = 0;
        --searching;
        return searching == 0 && waiting != 0 ? begin_announcing() : unlock_to_run;
    }
    place begin_leaving(std::size_t t) {
        running[t] = 0;
        return found(t);
    }
    bool leaving(std::size_t t) const { return t == poller && running[t] == 0; }
    bool looks_first() const { return variant_ == variant::look_then_announce; }

    place run(std::size_t t) const { return running[t] == blocking ? post_own : pop; }
    place begin_announcing() const { return looks_first() ? look : announce; }
    place end_announcing(std::size_t t) const { return to_wait[t] ? unlock_to_wait : unlock_to_run; }
    void end_wait(std::size_t t) {
        if (wake_under_way)
            wake_under_way = 0;
        else
            ++searching;
        searches[t] = 1;
    }

    auto key() const {
        std::string k;
        auto put = [&k](const auto& values) {
            for (signed char v : values)
                k.push_back(static_cast<char>(v));
        };
        put(queue[0]);
        put(queue[1]);
        put(queue[2]);
        put(inbox);
        put(at);
        put(searches);
        put(running);
        put(to_wait);
        put(std::array{asleep, wanted, mutex, searching, waiting, wake_under_way, edge, has_looked});
        return k;
    }

    std::string violation() const {
        if (searching < 0 || waiting < 0)
            return "a count is below zero";
        if (mutex < 0 && wanted && (searching != 0 || waiting == 0))
            return "it is announced that somebody waits and nobody searches, but it is not so";
        return {};
    }

    std::string violation_at_end() const {
        const bool somebody_waits = at[0] == wait || at[1] == wait;
        if (somebody_waits && (inbox[0] || queue[0][0] || queue[1][0] || queue[2][0]))
            return "a thread waits though there is a task";
        for (int s = workers; s != workers + strangers; ++s)
            if (at[static_cast<std::size_t>(s)] != done)
                return "a thread could not post";
        return {};
    }

    variant variant_;
};

exploration explore(variant v, task_kind first) {
    return explore_interleavings([=] { return crew_model(v, first); });
}

}  // namespace

TEST_CASE("in every order of steps, no thread waits while there is a task", "[engine][crew]") {
    const task_kind first = GENERATE(plain, blocking);
    exploration found = explore(variant::as_it_is, first);
    INFO(found.report());
    CHECK(found.violation.empty());
    CHECK(found.states > 1000);
    CHECK(found.ends > 0);
}

TEST_CASE("who looks for tasks before announcing a sleep misses one", "[engine][crew]") {
    exploration found = explore(variant::look_then_announce, blocking);
    INFO(found.report());
    CHECK(found.violation == "a thread waits though there is a task");
}

TEST_CASE("who only looks at the driver and keeps the wake-up that it got there lets others sleep", "[engine][crew]") {
    exploration found = explore(variant::look_keeps_the_wake_up, plain);
    INFO(found.report());
    CHECK(found.violation == "a thread waits though there is a task");
}
