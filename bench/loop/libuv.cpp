// SPDX-License-Identifier: BSL-1.0

// libuv, in the cases of post.cpp and timers.cpp that it has something for. It is written as its guide would have it:
// handles are made once, and a queue of one's own goes with uv_async_send(), which only promises that the callback runs
// some time after the last call.
//
//   post/chain         a callback sends its own async handle: each round wakes the loop by its descriptor
//   post/outside       another thread puts functions in a queue under a mutex and sends; ns of that thread's CPU time
//   timers/set         uv_timer_start(), a million timers, random times
//   timers/cancel      uv_timer_stop() of each, in random order; nothing is delivered
//   timers/fire        all are due: their callbacks run in the order of their times (which are whole milliseconds)
//   timers/rearm10k    uv_timer_start() of one of 10,000 timers that run, a hundred in each turn of the loop; the wait
//                      before ends without a callback
//   timers/no_delay    a timer's callback starts it again, with no delay; up to 1.44 it is then called again within the
//                      same turn of the loop, so that this is no whole turn

#include <support/cases.hpp>

#include <uv.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace bench;
using std::chrono::milliseconds;

void ok(int result) {
    if (result != 0)
        fail(uv_strerror(result));
}

/// A loop that is empty when it goes.
class loop {
public:
    loop() { ok(uv_loop_init(&loop_)); }
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;
    ~loop() {
        run();
        ok(uv_loop_close(&loop_));
    }

    void run() { uv_run(&loop_, UV_RUN_DEFAULT); }
    uv_loop_t* get() noexcept { return &loop_; }

private:
    uv_loop_t loop_;
};

template <class Handle>
void close(Handle& h) {
    uv_close(reinterpret_cast<uv_handle_t*>(&h), nullptr);
}

template <class Data, class Handle>
Data& data_of(Handle* h) {
    return *static_cast<Data*>(h->data);
}

sample post_chain(std::size_t n) {
    loop l;
    std::size_t left = n;
    uv_async_t link;
    ok(uv_async_init(l.get(), &link, [](uv_async_t* self) {
        if (--data_of<std::size_t>(self) != 0)
            uv_async_send(self);
        else
            close(*self);
    }));
    link.data = &left;
    cpu_stopwatch watch;
    watch.start();
    ok(uv_async_send(&link));
    l.run();
    watch.stop();
    check(left == 0, "each link of the chain must run");
    return {watch.taken(), n};
}

/// Functions from other threads.
class inbox {
public:
    using function = void (*)(void*);

    explicit inbox(uv_loop_t* l) {
        ok(uv_async_init(l, &wake_, [](uv_async_t* self) { data_of<inbox>(self).take(); }));
        wake_.data = this;
    }

    void post(function f, void* argument) {
        {
            std::scoped_lock lock(mutex_);
            items_.push_back({f, argument});
        }
        uv_async_send(&wake_);
    }

    /// On the loop's thread.
    void close_wake() { close(wake_); }

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
    uv_async_t wake_;
};

// As in post.cpp, the loop's thread never sleeps: an idle handle keeps it from that.
sample post_outside(std::size_t n) {
    struct {
        loop l;
        inbox in{l.get()};
        uv_idle_t busy;
        arrivals handled;
        std::atomic<bool> running{false};
        std::atomic<bool> over{false};
    } state;
    ok(uv_idle_init(state.l.get(), &state.busy));
    state.busy.data = &state;
    ok(uv_idle_start(&state.busy, [](uv_idle_t* self) {
        auto& s = data_of<decltype(state)>(self);
        s.running.store(true, std::memory_order_relaxed);
        other_work();
        if (s.over.load(std::memory_order_relaxed))
            close(s.busy);
    }));
    std::thread runner([&state] { state.l.run(); });
    while (!state.running.load(std::memory_order_relaxed))
        std::this_thread::yield();
    auto taken = stream_from_outside(n, state.handled, [&] {
        state.in.post([](void* handled) { static_cast<arrivals*>(handled)->note(); }, &state.handled);
    });
    while (state.handled.count.load() != n)
        std::this_thread::yield();
    state.over.store(true, std::memory_order_relaxed);
    state.in.post([](void* in) { static_cast<inbox*>(in)->close_wake(); }, &state.in);
    runner.join();
    return {taken, n};
}

struct outcome {
    std::size_t fired = 0;
    std::size_t out_of_order = 0;
    std::uint64_t latest = 0;
};

/// One of many timers, and how to know that it fired when it should.
struct noting_timer {
    uv_timer_t timer;
    outcome* out;
    std::uint64_t due;

    static void note(uv_timer_t* t) {
        auto& self = data_of<noting_timer>(t);
        ++self.out->fired;
        if (self.due < self.out->latest)
            ++self.out->out_of_order;
        self.out->latest = self.due;
    }
};

class timers {
public:
    timers(uv_loop_t* l, std::size_t n) : all_(n) {
        for (noting_timer& t : all_) {
            ok(uv_timer_init(l, &t.timer));
            t.timer.data = &t;
            t.out = &out_;
        }
    }

    void start(const std::vector<milliseconds>& delays) {
        for (std::size_t i = 0; i != all_.size(); ++i) {
            all_[i].due = static_cast<std::uint64_t>(delays[i].count());
            uv_timer_start(&all_[i].timer, &noting_timer::note, all_[i].due, 0);
        }
    }

    void restart(std::size_t i, milliseconds delay) {
        uv_timer_start(&all_[i].timer, &noting_timer::note, static_cast<std::uint64_t>(delay.count()), 0);
    }

    void stop(const std::vector<std::uint32_t>& order) {
        for (std::uint32_t i : order)
            uv_timer_stop(&all_[i].timer);
    }

    void close_all() {
        for (noting_timer& t : all_)
            close(t.timer);
    }

    const outcome& out() const noexcept { return out_; }

private:
    std::vector<noting_timer> all_;
    outcome out_;
};

enum class measured { set, cancel };

template <measured What>
sample timers_set_and_cancel(std::size_t n) {
    loop l;
    timers all(l.get(), n);
    const auto delays = random_durations(n, milliseconds(std::chrono::hours(1)));
    const auto order = random_order(n);
    cpu_stopwatch set;
    set.start();
    all.start(delays);
    set.stop();
    cpu_stopwatch cancel;
    cancel.start();
    all.stop(order);
    cancel.stop();
    l.run();
    check(all.out().fired == 0, "no timer may fire");
    all.close_all();
    l.run();
    return {What == measured::set ? set.taken() : cancel.taken(), n};
}

sample timers_fire(std::size_t n) {
    loop l;
    timers all(l.get(), n);
    constexpr milliseconds spread(50);
    const auto delays = random_durations(n, spread);
    uv_update_time(l.get());
    all.start(delays);
    std::uint64_t start = uv_now(l.get());
    do
        uv_update_time(l.get());
    while (uv_now(l.get()) < start + 2 * static_cast<std::uint64_t>(spread.count()));
    cpu_stopwatch watch;
    watch.start();
    l.run();
    watch.stop();
    check(all.out().fired == n, "each timer must fire once");
    check(all.out().out_of_order == 0, "timers must fire in the order of their times");
    all.close_all();
    l.run();
    return {watch.taken(), n};
}

sample timers_rearm10k(std::size_t n) {
    constexpr std::size_t size = 10'000;
    loop l;
    timers all(l.get(), size);
    const auto order = random_order(size);
    all.start(std::vector<milliseconds>(size, milliseconds(30'000)));
    cpu_stopwatch watch;
    watch.start();
    for (std::size_t i = 0; i != n; ++i) {
        if (i % 100 == 0)
            uv_run(l.get(), UV_RUN_NOWAIT);
        all.restart(order[i % size], milliseconds(30'000));
    }
    watch.stop();
    check(all.out().fired == 0, "no timer may fire");
    all.close_all();
    l.run();
    return {watch.taken(), n};
}

void start_again(uv_timer_t* self) {
    if (--data_of<std::size_t>(self) != 0)
        uv_timer_start(self, &start_again, 0, 0);
}

sample timers_no_delay(std::size_t n) {
    loop l;
    std::size_t left = n;
    uv_timer_t timer;
    ok(uv_timer_init(l.get(), &timer));
    timer.data = &left;
    ok(uv_timer_start(&timer, &start_again, 0, 0));
    cpu_stopwatch watch;
    watch.start();
    l.run();
    watch.stop();
    check(left == 0, "the timer must fire each time");
    close(timer);
    l.run();
    return {watch.taken(), n};
}

constexpr std::size_t million = 1'000'000;

constexpr named_case cases[] = {
    {"post/chain", million / 4, &post_chain},
    {"post/outside", 5 * million, &post_outside},
    {"timers/set", million, &timers_set_and_cancel<measured::set>},
    {"timers/cancel", million, &timers_set_and_cancel<measured::cancel>},
    {"timers/fire", million, &timers_fire},
    {"timers/rearm10k", million, &timers_rearm10k},
    {"timers/no_delay", 10 * million, &timers_no_delay},
};

}  // namespace

int main(int argc, char** argv) { return run_cases(argc, argv, cases); }
