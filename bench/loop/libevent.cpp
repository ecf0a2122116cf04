// SPDX-License-Identifier: BSL-1.0

// libevent, in the cases of post.cpp and timers.cpp that it has something for. It is written as its book would have it:
// events are made once, and a queue of one's own goes with event_active(), which does nothing for an event that is
// active already.
//
//   post/chain         a callback makes its own event active
//   post/outside       another thread puts functions in a queue under a mutex and makes an event active, with locks
//                      enabled; ns of that thread's CPU time
//   timers/set         evtimer_add(), a million timers, random times
//   timers/cancel      evtimer_del() of each, in random order; nothing is delivered
//   timers/fire        all are due: their callbacks run in the order of their times
//   timers/rearm10k    evtimer_add() of one of 10,000 pending timers, all with one common timeout; the wait before ends
//                      without a callback
//   timers/no_delay    a timer's callback adds it again, with no delay
//
// Timers are set and deleted in a callback, where the loop's cached time serves all of them.

#include <support/cases.hpp>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace bench;
using namespace std::chrono_literals;
using std::chrono::microseconds;

void ok(int result) { check(result == 0, "libevent must not fail"); }

class loop {
public:
    loop() : base_(event_base_new()) { check(base_ != nullptr, "event_base_new"); }
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;
    ~loop() { event_base_free(base_); }

    /// Until no event is pending or active.
    void run() { check(event_base_dispatch(base_) >= 0, "event_base_dispatch"); }
    event_base* get() const noexcept { return base_; }

private:
    event_base* base_;
};

/// An event without a descriptor.
void assign(event& e, const loop& l, event_callback_fn f, void* argument) {
    ok(event_assign(&e, l.get(), -1, 0, f, argument));
}

/// Runs @p f in a callback of the loop, and then the loop until nothing is pending.
template <class F>
void run_inside(loop& l, F f) {
    event e;
    assign(
        e, l, [](evutil_socket_t, short, void* argument) { (*static_cast<F*>(argument))(); }, &f);
    event_active(&e, EV_TIMEOUT, 0);
    l.run();
}

timeval to_timeval(microseconds d) { return {static_cast<time_t>(d / 1s), static_cast<suseconds_t>((d % 1s).count())}; }

struct chain_link {
    event e;
    std::size_t left;
};

sample post_chain(std::size_t n) {
    loop l;
    chain_link link{{}, n};
    assign(
        link.e, l,
        [](evutil_socket_t, short, void* argument) {
            auto& self = *static_cast<chain_link*>(argument);
            if (--self.left != 0)
                event_active(&self.e, EV_TIMEOUT, 0);
        },
        &link);
    cpu_stopwatch watch;
    watch.start();
    event_active(&link.e, EV_TIMEOUT, 0);
    l.run();
    watch.stop();
    check(link.left == 0, "each link of the chain must run");
    return {watch.taken(), n};
}

/// Functions from other threads.
class inbox {
public:
    using function = void (*)(void*);

    explicit inbox(const loop& l) {
        assign(
            wake_, l, [](evutil_socket_t, short, void* self) { static_cast<inbox*>(self)->take(); }, this);
    }

    void post(function f, void* argument) {
        {
            std::scoped_lock lock(mutex_);
            items_.push_back({f, argument});
        }
        event_active(&wake_, EV_TIMEOUT, 0);
    }

private:
    struct item {
        function f;
        void* argument;
    };

    void take() {
        {
            std::scoped_lock lock(mutex_);
            taken_.swap(items_);
        }
        for (const item& i : taken_)
            i.f(i.argument);
        taken_.clear();
    }

    std::mutex mutex_;
    std::vector<item> items_;  // under mutex_
    std::vector<item> taken_;
    event wake_;
};

/// Keeps its loop busy until it is over.
struct busy {
    event e;
    std::atomic<bool> running{false};
    std::atomic<bool> over{false};

    void turn() {
        running.store(true, std::memory_order_relaxed);
        other_work();
        if (!over.load(std::memory_order_relaxed))
            event_active(&e, EV_TIMEOUT, 0);
    }
};

// As in post.cpp, the loop's thread never sleeps.
sample post_outside(std::size_t n) {
    ok(evthread_use_pthreads());
    loop l;
    inbox in(l);
    arrivals handled;
    busy b;
    assign(
        b.e, l, [](evutil_socket_t, short, void* self) { static_cast<busy*>(self)->turn(); }, &b);
    event_active(&b.e, EV_TIMEOUT, 0);
    std::thread runner([&l] { l.run(); });
    while (!b.running.load(std::memory_order_relaxed))
        std::this_thread::yield();
    auto taken =
        stream_from_outside(n, handled, [&] { in.post([](void* a) { static_cast<arrivals*>(a)->note(); }, &handled); });
    while (handled.count.load() != n)
        std::this_thread::yield();
    b.over.store(true, std::memory_order_relaxed);
    runner.join();
    return {taken, n};
}

struct outcome {
    std::size_t fired = 0;
    std::size_t out_of_order = 0;
    microseconds latest{};
};

/// One of many timers, and how to know that it fired when it should.
struct noting_timer {
    event e;
    outcome* out;
    microseconds due;

    static void note(evutil_socket_t, short, void* argument) {
        auto& self = *static_cast<noting_timer*>(argument);
        ++self.out->fired;
        if (self.due < self.out->latest)
            ++self.out->out_of_order;
        self.out->latest = self.due;
    }
};

class timers {
public:
    timers(const loop& l, std::size_t n) : all_(n) {
        for (noting_timer& t : all_) {
            ok(evtimer_assign(&t.e, l.get(), &noting_timer::note, &t));
            t.out = &out_;
        }
    }

    void add(const std::vector<microseconds>& delays) {
        for (std::size_t i = 0; i != all_.size(); ++i) {
            all_[i].due = delays[i];
            timeval t = to_timeval(delays[i]);
            evtimer_add(&all_[i].e, &t);
        }
    }

    void remove(const std::vector<std::uint32_t>& order) {
        for (std::uint32_t i : order)
            evtimer_del(&all_[i].e);
    }

    event& operator[](std::size_t i) noexcept { return all_[i].e; }
    const outcome& out() const noexcept { return out_; }

private:
    std::vector<noting_timer> all_;
    outcome out_;
};

enum class measured { set, cancel };

template <measured What>
sample timers_set_and_cancel(std::size_t n) {
    loop l;
    timers all(l, n);
    const auto delays = random_durations(n, microseconds(1h));
    const auto order = random_order(n);
    cpu_stopwatch set;
    cpu_stopwatch cancel;
    run_inside(l, [&] {
        set.start();
        all.add(delays);
        set.stop();
        cancel.start();
        all.remove(order);
        cancel.stop();
    });
    check(all.out().fired == 0, "no timer may fire");
    return {What == measured::set ? set.taken() : cancel.taken(), n};
}

sample timers_fire(std::size_t n) {
    loop l;
    timers all(l, n);
    constexpr microseconds spread = 50ms;
    const auto delays = random_durations(n, spread);
    cpu_stopwatch watch;
    run_inside(l, [&] {
        all.add(delays);
        auto start = std::chrono::steady_clock::now();
        while (std::chrono::steady_clock::now() < start + spread)
            continue;
        watch.start();
    });
    watch.stop();
    check(all.out().fired == n, "each timer must fire once");
    check(all.out().out_of_order == 0, "timers must fire in the order of their times");
    return {watch.taken(), n};
}

/// Sets deadlines anew, a hundred in each turn of the loop.
class deadlines {
public:
    deadlines(const loop& l, timers& all, std::size_t size, std::size_t n)
        : timers_(all), order_(random_order(size)), left_(n) {
        timeval duration = to_timeval(30s);
        common_ = event_base_init_common_timeout(l.get(), &duration);
        check(common_ != nullptr, "event_base_init_common_timeout");
        for (std::size_t i = 0; i != size; ++i)
            evtimer_add(&timers_[i], common_);
        assign(
            turn_, l, [](evutil_socket_t, short, void* self) { static_cast<deadlines*>(self)->turn(); }, this);
        event_active(&turn_, EV_TIMEOUT, 0);
    }

    std::chrono::nanoseconds taken() const noexcept { return watch_.taken(); }

private:
    void turn() {
        if (left_ == 0) {
            watch_.stop();
            for (std::uint32_t i : order_)
                evtimer_del(&timers_[i]);
            return;
        }
        if (!started_) {
            started_ = true;
            watch_.start();
        }
        for (std::size_t i = 0; i != 100 && left_ != 0; ++i, --left_) {
            evtimer_add(&timers_[order_[next_]], common_);
            next_ = next_ + 1 == order_.size() ? 0 : next_ + 1;
        }
        event_active(&turn_, EV_TIMEOUT, 0);
    }

    timers& timers_;
    std::vector<std::uint32_t> order_;
    const timeval* common_;
    event turn_;
    std::size_t left_;
    std::size_t next_ = 0;
    bool started_ = false;
    cpu_stopwatch watch_;
};

sample timers_rearm10k(std::size_t n) {
    constexpr std::size_t size = 10'000;
    loop l;
    timers all(l, size);
    deadlines d(l, all, size, n);
    l.run();
    check(all.out().fired == 0, "no timer may fire");
    return {d.taken(), n};
}

void add_at_once(event& e) {
    constexpr timeval none{0, 0};
    evtimer_add(&e, &none);
}

sample timers_no_delay(std::size_t n) {
    loop l;
    chain_link link{{}, n};
    ok(evtimer_assign(
        &link.e, l.get(),
        [](evutil_socket_t, short, void* argument) {
            auto& self = *static_cast<chain_link*>(argument);
            if (--self.left != 0)
                add_at_once(self.e);
        },
        &link));
    add_at_once(link.e);
    cpu_stopwatch watch;
    watch.start();
    l.run();
    watch.stop();
    check(link.left == 0, "the timer must fire each time");
    return {watch.taken(), n};
}

constexpr std::size_t million = 1'000'000;

constexpr named_case cases[] = {
    {"post/chain", 10 * million, &post_chain},
    {"post/outside", 3 * million, &post_outside},
    {"timers/set", million, &timers_set_and_cancel<measured::set>},
    {"timers/cancel", million, &timers_set_and_cancel<measured::cancel>},
    {"timers/fire", million, &timers_fire},
    {"timers/rearm10k", 10 * million, &timers_rearm10k},
    {"timers/no_delay", million, &timers_no_delay},
};

}  // namespace

int main(int argc, char** argv) { return run_cases(argc, argv, cases); }
