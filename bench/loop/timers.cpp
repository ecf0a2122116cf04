// SPDX-License-Identifier: BSL-1.0

// What timers cost, a million at a time: n timers are made beforehand, all on one context, and used within its run().
//
//   set/...       expires_at() and the first async_wait() of each timer; ns per timer
//   set_again/... the same with timers that have been waited for before; ns per timer
//   cancel/...    the calls of cancel(), in random order; ns per timer
//   cancel_in_order/...  the same in the order in which they were set
//   cancel+run/.. the same and the aborted handlers; ns per timer
//   fire/...      all are due: the loop runs their handlers in the order of their times; ns per timer
//   rearm10k/...  one of 10,000 deadlines is set anew, 30 s from now: the wait that it had is aborted and its handler
//                 runs; ns per deadline set
//   no_delay/...  a timer's handler sets it again to expire at once; ns per whole turn of the loop
//
// solo is a context with the concurrency hint 1, shared one without, both by the context's own executor type; any is
// solo by an any_io_executor.

#include <support/cases.hpp>
#include <support/library.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace {

using namespace bench;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

using loop_executor = lib::io_context::executor_type;

template <class Executor>
using timer = lib::basic_waitable_timer<steady_clock, lib::wait_traits<steady_clock>, Executor>;

struct outcome {
    std::size_t fired = 0;
    std::size_t aborted = 0;
    std::size_t out_of_order = 0;
    steady_clock::time_point latest{};
};

struct note_end {
    outcome* out;

    void operator()(const error_code& ec) const {
        if (!ec)
            ++out->fired;
        else if (ec == lib::error::operation_aborted)
            ++out->aborted;
        else
            fail("a wait must end with no error, or as aborted");
    }
};

struct note_order {
    outcome* out;
    steady_clock::time_point due;

    void operator()(const error_code& ec) const {
        note_end{out}(ec);
        if (due < out->latest)
            ++out->out_of_order;
        out->latest = due;
    }
};

template <class Executor, class Context>
std::vector<timer<Executor>> make_timers(Context& context, std::size_t n) {
    std::vector<timer<Executor>> timers;
    timers.reserve(n);
    for (std::size_t i = 0; i != n; ++i)
        timers.emplace_back(Executor(context.get_executor()));
    return timers;
}

/// Times from @p start on, random.
std::vector<steady_clock::time_point> random_times(std::size_t n, steady_clock::time_point start,
                                                   steady_clock::duration most) {
    std::vector<steady_clock::time_point> times;
    times.reserve(n);
    for (steady_clock::duration d : random_durations(n, most))
        times.push_back(start + d);
    return times;
}

enum class measured { set, set_again, cancel, cancel_in_order, cancel_and_run };

template <class Context, class Executor, measured What>
sample set_and_cancel(std::size_t n) {
    Context context;
    auto timers = make_timers<Executor>(context, n);
    const auto due = random_times(n, steady_clock::now() + 1h, 1h);
    auto order = random_order(n);
    if (What == measured::cancel_in_order)
        std::iota(order.begin(), order.end(), 0u);
    outcome out;
    cpu_stopwatch watch;
    if (What == measured::set_again) {
        for (std::size_t i = 0; i != n; ++i) {
            timers[i].expires_at(due[i]);
            timers[i].async_wait(note_end{&out});
            timers[i].cancel();
        }
        context.run();
        context.restart();
        out = outcome();
    }
    lib::post(context, [&] {
        if (What == measured::set || What == measured::set_again)
            watch.start();
        for (std::size_t i = 0; i != n; ++i) {
            timers[i].expires_at(due[i]);
            timers[i].async_wait(note_end{&out});
        }
        if (What == measured::set || What == measured::set_again)
            watch.stop();
        else
            watch.start();
        for (std::uint32_t i : order)
            timers[i].cancel();
        if (What == measured::cancel || What == measured::cancel_in_order)
            watch.stop();
    });
    context.run();
    if (What == measured::cancel_and_run)
        watch.stop();
    check(out.aborted == n && out.fired == 0, "each wait must be aborted once");
    return {watch.taken(), n};
}

template <class Context, class Executor>
sample fire(std::size_t n) {
    Context context;
    auto timers = make_timers<Executor>(context, n);
    outcome out;
    cpu_stopwatch watch;
    lib::post(context, [&] {
        constexpr auto spread = 50ms;
        auto start = steady_clock::now() + 50ms;  // few are due before they have been set, with either library
        const auto due = random_times(n, start, spread);
        for (std::size_t i = 0; i != n; ++i) {
            timers[i].expires_at(due[i]);
            timers[i].async_wait(note_order{&out, due[i]});
        }
        while (steady_clock::now() < start + spread)
            continue;
        watch.start();
    });
    context.run();
    watch.stop();
    check(out.fired == n && out.aborted == 0, "each timer must fire once");
    check(out.out_of_order == 0, "timers must fire in the order of their times");
    return {watch.taken(), n};
}

/// Sets deadlines anew, a hundred in each turn of the loop, as a server would that is served a hundred sockets.
template <class Executor>
class deadlines {
public:
    deadlines(const Executor& ex, std::vector<timer<Executor>>& timers, std::size_t n)
        : executor_(ex), timers_(timers), order_(random_order(timers.size())), left_(n) {
        for (timer<Executor>& t : timers_)
            set(t);
    }

    void turn() {
        if (left_ == 0) {
            watch_.stop();
            aborted_ = out_.aborted;
            for (timer<Executor>& t : timers_)
                t.cancel();
            return;
        }
        if (out_.aborted == 0)
            watch_.start();
        for (std::size_t i = 0; i != 100 && left_ != 0; ++i, --left_) {
            set(timers_[order_[next_]]);
            next_ = next_ + 1 == order_.size() ? 0 : next_ + 1;
        }
        lib::post(executor_, [this] { turn(); });
    }

    std::chrono::nanoseconds taken() const noexcept { return watch_.taken(); }
    std::size_t aborted_while_measured() const noexcept { return aborted_; }
    const outcome& out() const noexcept { return out_; }

private:
    void set(timer<Executor>& t) {
        t.expires_after(30s);
        t.async_wait(note_end{&out_});
    }

    Executor executor_;
    std::vector<timer<Executor>>& timers_;
    std::vector<std::uint32_t> order_;
    std::size_t left_;
    std::size_t next_ = 0;
    outcome out_;
    std::size_t aborted_ = 0;
    cpu_stopwatch watch_;
};

template <class Context, class Executor>
sample rearm(std::size_t n) {
    constexpr std::size_t size = 10'000;
    Context context;
    auto timers = make_timers<Executor>(context, size);
    deadlines<Executor> d(context.get_executor(), timers, n);
    lib::post(context, [&d] { d.turn(); });
    context.run();
    check(d.aborted_while_measured() == n, "each deadline that is set anew must abort the wait before");
    check(d.out().aborted == n + size && d.out().fired == 0, "each wait must be aborted once");
    return {d.taken(), n};
}

template <class Executor>
struct again {
    timer<Executor>* t;
    std::size_t* left;

    void operator()(const error_code& ec) const {
        check(!ec, "the timer must fire");
        if (--*left == 0)
            return;
        t->expires_after(0s);
        t->async_wait(*this);
    }
};

template <class Context, class Executor>
sample no_delay(std::size_t n) {
    Context context;
    timer<Executor> t{Executor(context.get_executor())};
    std::size_t left = n;
    t.expires_after(0s);
    t.async_wait(again<Executor>{&t, &left});
    cpu_stopwatch watch;
    watch.start();
    std::size_t run = context.run();
    watch.stop();
    check(run == n && left == 0, "the timer must fire each time");
    return {watch.taken(), n};
}

constexpr std::size_t million = 1'000'000;
constexpr std::size_t turns = on_asio ? 20'000 : million;

constexpr named_case cases[] = {
    {"set/solo", million, &set_and_cancel<solo_context, loop_executor, measured::set>},
    {"set/any", million, &set_and_cancel<solo_context, lib::any_io_executor, measured::set>},
    {"set/shared", million, &set_and_cancel<shared_context, loop_executor, measured::set>},
    {"set_again/solo", million, &set_and_cancel<solo_context, loop_executor, measured::set_again>},
    {"cancel/solo", million, &set_and_cancel<solo_context, loop_executor, measured::cancel>},
    {"cancel_in_order/solo", million, &set_and_cancel<solo_context, loop_executor, measured::cancel_in_order>},
    {"cancel/shared", million, &set_and_cancel<shared_context, loop_executor, measured::cancel>},
    {"cancel+run/solo", million, &set_and_cancel<solo_context, loop_executor, measured::cancel_and_run>},
    {"cancel+run/any", million, &set_and_cancel<solo_context, lib::any_io_executor, measured::cancel_and_run>},
    {"cancel+run/shared", million, &set_and_cancel<shared_context, loop_executor, measured::cancel_and_run>},
    {"fire/solo", million, &fire<solo_context, loop_executor>},
    {"fire/any", million, &fire<solo_context, lib::any_io_executor>},
    {"fire/shared", million, &fire<shared_context, loop_executor>},
    {"rearm10k/solo", million, &rearm<solo_context, loop_executor>},
    {"rearm10k/any", million, &rearm<solo_context, lib::any_io_executor>},
    {"rearm10k/shared", million, &rearm<shared_context, loop_executor>},
    {"no_delay/solo", turns, &no_delay<solo_context, loop_executor>},
    {"no_delay/any", turns, &no_delay<solo_context, lib::any_io_executor>},
    {"no_delay/shared", turns, &no_delay<shared_context, loop_executor>},
};

}  // namespace

int main(int argc, char** argv) { return run_cases(argc, argv, cases); }
