// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_waitable_timer.hpp>

#include "loopback.hpp"

#include <rill/context/executor_work_guard.hpp>
#include <rill/engine/driver/driver.hpp>
#include <rill/io/high_resolution_timer.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/io/system_timer.hpp>

#include <support/soon.hpp>

#include <algorithm>
#include <atomic>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

using namespace loopback;
using rill::error_code;
using rill::steady_timer;
namespace error = rill::error;

namespace {

using steady_clock = std::chrono::steady_clock;
using plain_executor = rill::io_context::executor_type;
using plain_timer = rill::basic_waitable_timer<steady_clock, rill::wait_traits<steady_clock>, plain_executor>;

static_assert(std::is_same_v<rill::completion_signature_of_t<decltype(std::declval<steady_timer&>().async_wait())>,
                             void(error_code)>);
static_assert(std::is_same_v<steady_timer::rebind_executor<plain_executor>::other, plain_timer>);
static_assert(std::is_constructible_v<steady_timer, plain_timer&&>);
static_assert(!std::is_copy_constructible_v<steady_timer> && std::is_nothrow_move_constructible_v<steady_timer>);
static_assert(std::is_same_v<rill::system_timer::clock_type, std::chrono::system_clock>);
static_assert(std::is_same_v<rill::high_resolution_timer::clock_type, std::chrono::high_resolution_clock>);

/// A driver without handles, whose time passes only while the loop waits for something to happen.
class virtual_time : public rill::engine::driver {
public:
    struct state {
        steady_clock::time_point now{std::chrono::hours(1)};
        int waits = 0;
    };
    explicit virtual_time(state& s) : state_(s) {}

    const char* name() const noexcept override { return "virtual time"; }
    rill::engine::registration* attach(rill::engine::native_handle, error_code& ec) noexcept override {
        ec = error::operation_not_supported;
        return nullptr;
    }
    void detach(rill::engine::registration&, bool, rill::engine::task_queue&) noexcept override {}
    void start(rill::engine::request&, rill::engine::task_queue&) noexcept override {}
    void cancel(rill::engine::request&, rill::engine::task_queue&) noexcept override {}
    void cancel_all(rill::engine::registration&, rill::engine::task_queue&) noexcept override {}
    void wait(rill::engine::wait_limit limit, rill::engine::task_queue&) noexcept override {
        ++state_.waits;
        if (!limit.look_only && limit.deadline > state_.now)
            state_.now = limit.deadline;
    }
    void wake() noexcept override {}
    steady_clock::time_point now() const noexcept override { return state_.now; }
    void shut_down(rill::engine::task_queue&) noexcept override {}

private:
    state& state_;
};

/// A context in which nobody waits for time to pass.
struct timed_context : virtual_time::state, rill::io_context {
    timed_context() : rill::io_context(std::make_unique<virtual_time>(static_cast<virtual_time::state&>(*this))) {}
    steady_clock::time_point time() const { return virtual_time::state::now; }
};

/// A clock that stands still until it is set.
struct settable_clock {
    using duration = std::chrono::milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<settable_clock>;
    [[maybe_unused]] static constexpr bool is_steady = false;
    static time_point now() { return current; }
    static inline time_point current{};
};

/// A clock of coarse ticks, each a millisecond of the time that a test keeps.
struct coarse_clock {
    using duration = std::chrono::hours;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<coarse_clock>;
    [[maybe_unused]] static constexpr bool is_steady = true;
    static time_point now() { return current; }
    static inline time_point current{};
};

/// Looks at the clock every 10 ms, whatever the distance.
struct frequent_looks {
    static int looks;
    static settable_clock::duration to_wait_duration(const settable_clock::duration&) { return 10ms; }
    static settable_clock::duration to_wait_duration(const settable_clock::time_point&) {
        ++looks;
        return 10ms;
    }
};
int frequent_looks::looks = 0;

/// Has no advice.
struct restless {
    static settable_clock::duration to_wait_duration(const settable_clock::duration&) { return 0ms; }
    static settable_clock::duration to_wait_duration(const settable_clock::time_point&) { return 0ms; }
};

}  // namespace

TEST_CASE("waits complete in the order of their expiry, and then of their start", "[io][basic_waitable_timer]") {
    timed_context io;
    const auto start = io.time();
    steady_timer third(io, 3s), first(io, 1s), second(io, 2s), also_second(io, start + 2s);
    CHECK(third.expiry() == start + 3s);
    std::vector<int> order;
    auto note = [&](int n, std::chrono::seconds at) {
        return [&, n, at](error_code ec) {
            CHECK_FALSE(ec);
            CHECK(io.time() == start + at);
            order.push_back(n);
        };
    };
    third.async_wait(note(5, 3s));
    second.async_wait(note(2, 2s));
    also_second.async_wait(note(3, 2s));
    second.async_wait(note(4, 2s));
    first.async_wait(note(1, 1s));
    CHECK(io.run() == 5);
    CHECK(order == std::vector{1, 2, 3, 4, 5});
}

TEST_CASE("10,000 timers expire in order, though some are cancelled", "[io][basic_waitable_timer]") {
    timed_context io;
    std::mt19937 random(7);
    constexpr std::size_t count = 10'000;
    std::list<steady_timer> timers;
    std::vector<std::pair<steady_clock::time_point, std::size_t>> expected, fired;
    std::size_t aborted = 0;
    std::vector<steady_timer*> all;
    for (std::size_t i = 0; i < count; ++i) {
        steady_timer& t = timers.emplace_back(io, std::chrono::milliseconds(random() % 2000));
        all.push_back(&t);
        t.async_wait([&, i](error_code ec) {
            if (ec)
                ++aborted;
            else
                fired.emplace_back(t.expiry(), i);
        });
    }
    std::vector<std::size_t> numbers(count);
    for (std::size_t i = 0; i < count; ++i)
        numbers[i] = i;
    std::shuffle(numbers.begin(), numbers.end(), random);
    std::size_t cancelled = 0;
    for (std::size_t n = 0; n < count / 3; ++n) {
        cancelled += all[numbers[n]]->cancel();
        if (n == 50)
            io.run_for(500ms);  // now the timers are no longer where they were put
    }
    io.run();
    CHECK(aborted == cancelled);
    CHECK(fired.size() + cancelled == count);
    CHECK(std::is_sorted(fired.begin(), fired.end()));
    CHECK(cancelled > 0);
}

TEST_CASE("cancelling tells how many waits it has ended", "[io][basic_waitable_timer]") {
    timed_context io;
    steady_timer timer(io, 1h);
    answer waits[5];
    for (answer& a : waits)
        timer.async_wait(a.handler());
    io.poll();
    CHECK(timer.cancel_one() == 1);
    io.poll();
    CHECK(waits[0].aborted());
    CHECK(waits[1].calls == 0);
    CHECK(timer.cancel_one() == 1);
    CHECK(timer.cancel() == 3);
    CHECK(timer.cancel() == 0);
    CHECK(timer.cancel_one() == 0);
    CHECK(waits[4].calls == 0);
    io.run();
    for (const answer& a : waits)
        CHECK(a.aborted());

    answer again;
    timer.async_wait(again.handler());
    CHECK(timer.expires_after(1s) == 1);
    CHECK(timer.expiry() == io.time() + 1s);
    timer.async_wait(again.handler());
    CHECK(timer.expires_at(io.time() + 2s) == 1);
    CHECK(timer.expires_at(io.time() + 2s) == 0);
    io.restart();
    io.run();
    CHECK(again.calls == 2);
    CHECK(again.ec == error::operation_aborted);

    // What has expired is not ended any more.
    timer.expires_after(1s);
    answer expired;
    timer.async_wait([&](error_code ec) {
        CHECK_FALSE(ec);
        CHECK(timer.cancel() == 0);
    });
    timer.async_wait(expired.handler());
    io.restart();
    io.run();
    CHECK(expired.succeeded());
}

TEST_CASE("a wait that is due needs no call of the driver, and is delivered later all the same",
          "[io][basic_waitable_timer]") {
    timed_context io;
    steady_timer past(io, -1s), never_set(io), longest_ago(io, steady_clock::time_point::min());
    answer waits[4];
    past.async_wait(waits[0].handler());
    never_set.async_wait(waits[1].handler());
    longest_ago.async_wait(waits[2].handler());
    CHECK(waits[0].calls + waits[1].calls + waits[2].calls == 0);
    bool returned = false;
    past.async_wait([&](error_code) {
        past.async_wait([&](error_code ec) {
            CHECK(returned);
            waits[3].handler()(ec);
        });
        returned = true;
    });
    const int before = static_cast<int>(io.waits);
    io.run();
    for (const answer& a : waits)
        CHECK(a.succeeded());
    CHECK(io.waits == before);
}

TEST_CASE("a wait for the most distant past ends even if the loop has no time for it", "[io][basic_waitable_timer]") {
    rill::io_context io(GENERATE(solo, shared));
    steady_timer timer(io, steady_clock::time_point::min());
    answer wait;
    const int others = GENERATE(126, 127, 128, 129);  // the loop looks around every 128 handlers
    for (int i = 0; i < others; ++i)
        io.get_executor().execute([] {});
    io.get_executor().execute([&] { timer.async_wait(wait.handler()); });
    run(io);
    CHECK(wait.succeeded());
}

TEST_CASE("an expiry beyond the clock's range is the end of that range", "[io][basic_waitable_timer]") {
    rill::io_context io(GENERATE(solo, shared));
    steady_timer timer(io, steady_timer::duration::max());
    CHECK(timer.expiry() == steady_timer::time_point::max());
    answer future, past;
    timer.async_wait(future.handler());
    steady_timer almost(io, steady_timer::time_point::max() - 1ns);
    almost.async_wait(future.handler());
    io.poll();
    CHECK(future.calls == 0);
    io.run_one_for(1ms);
    CHECK(future.calls == 0);
    CHECK(timer.expires_after(steady_timer::duration::min()) == 1);
    almost.cancel();
    timer.async_wait(past.handler());
    run(io);
    CHECK(past.succeeded());
    CHECK(future.calls == 2);

    rill::system_timer system(io, rill::system_timer::duration::max());
    CHECK(system.expiry() == rill::system_timer::time_point::max());
    answer forever;
    system.async_wait(forever.handler());
    io.restart();
    io.poll();
    CHECK(forever.calls == 0);
    system.expires_at(rill::system_timer::time_point::min());
    answer gone;
    system.async_wait(gone.handler());
    run(io);
    CHECK(forever.aborted());
    CHECK(gone.succeeded());
}

TEST_CASE("a timer may be moved with waits pending", "[io][basic_waitable_timer]") {
    timed_context io;
    plain_timer plain(io, 1s);
    answer kept, own;
    plain.async_wait(kept.handler());
    if (GENERATE(true, false))
        io.poll();
    plain_timer moved(std::move(plain));
    CHECK(plain.cancel() == 0);
    steady_timer general(std::move(moved));
    CHECK(general.expiry() == plain.expiry());
    steady_timer assigned(io, 2s);
    assigned.async_wait(own.handler());
    assigned = std::move(general);
    io.poll();
    CHECK(own.aborted());
    CHECK(kept.calls == 0);
    CHECK(assigned.cancel_one() == 1);
    assigned.async_wait(own.handler());
    io.run();
    CHECK(kept.aborted());
    CHECK(own.calls == 2);
    CHECK_FALSE(own.ec);

    // The one that was moved from is as good as new.
    plain.expires_after(1s);
    answer again;
    plain.async_wait(again.handler());
    io.restart();
    io.run();
    CHECK(again.succeeded());
}

TEST_CASE("destroying a timer ends its waits", "[io][basic_waitable_timer]") {
    rill::io_context io(GENERATE(solo, shared));
    std::optional<steady_timer> timer(std::in_place, io, 1h);
    answer waits[2];
    timer->async_wait(waits[0].handler());
    if (GENERATE(true, false))
        io.poll();
    timer->async_wait(waits[1].handler());
    timer.reset();
    CHECK(waits[0].calls + waits[1].calls == 0);
    run(io);
    CHECK(waits[0].aborted());
    CHECK(waits[1].aborted());

    // Also from its own handler.
    timer.emplace(io, 0s);
    answer other;
    timer->async_wait([&](error_code) { timer.reset(); });
    timer->async_wait(other.handler());
    run(io);
    CHECK(other.calls == 1);
}

TEST_CASE("timers may be destroyed after their context", "[io][basic_waitable_timer]") {
    std::optional<rill::io_context> io;
    io.emplace(GENERATE(solo, shared));
    steady_timer timer(*io, 1h), unused(*io), moved_before(*io, 1h), due(*io, 0s);
    auto life = std::make_shared<int>();
    for (steady_timer* t : {&timer, &moved_before, &due})
        t->async_wait([life](error_code) {});
    auto owned = std::make_shared<steady_timer>(*io, 1h);
    owned->async_wait([owned, life](error_code) {});
    owned.reset();
    if (GENERATE(true, false))
        io->poll_one();
    steady_timer target(std::move(moved_before));
    io.reset();
    CHECK(life.use_count() == 1);
    steady_timer moved_after(std::move(timer));
    CHECK(moved_after.cancel() == 0);
}

TEST_CASE("a slot ends a wait, for each type of cancellation", "[io][basic_waitable_timer]") {
    rill::io_context io(GENERATE(solo, shared));
    steady_timer timer(io, 1h);
    for (auto type :
         {rill::cancellation_type::terminal, rill::cancellation_type::partial, rill::cancellation_type::total}) {
        for (bool started : {false, true}) {
            rill::cancellation_signal signal;
            answer wait;
            timer.async_wait(wait.handler(signal));
            io.restart();
            if (started)
                io.poll();
            signal.emit(type);
            CHECK(wait.calls == 0);
            run(io);
            CHECK(wait.aborted());
            CHECK_FALSE(signal.slot().has_handler());
        }
    }
    CHECK(timer.cancel() == 0);
}

TEST_CASE("timers of every clock expire", "[io][basic_waitable_timer]") {
    rill::io_context io(GENERATE(solo, shared));
    steady_timer steady(io, 2ms);
    rill::system_timer system(io, 2ms);
    rill::high_resolution_timer high_resolution(io, 2ms);
    int calls = 0;
    auto check = [&](auto& timer) {
        timer.async_wait([&](error_code ec) {
            CHECK_FALSE(ec);
            CHECK(std::decay_t<decltype(timer)>::clock_type::now() >= timer.expiry());
            ++calls;
        });
    };
    check(steady);
    check(system);
    check(high_resolution);
    run(io);
    CHECK(calls == 3);
}

TEST_CASE("wait() blocks until the expiry", "[io][basic_waitable_timer]") {
    rill::io_context io;
    auto check = [&](auto timer) {
        timer.wait();
        CHECK(decltype(timer)::clock_type::now() >= timer.expiry());
        error_code ec = error::eof;
        timer.wait(ec);
        CHECK_FALSE(ec);
    };
    check(steady_timer(io, 1ms));
    check(steady_timer(io, steady_clock::now() + 1ms));
    check(rill::system_timer(io, 1ms));
    check(steady_timer(io));
    check(steady_timer(io, steady_clock::time_point::min()));
    check(rill::system_timer(io, rill::system_timer::time_point::min()));
}

TEST_CASE("a clock that is set is looked at within a second", "[io][basic_waitable_timer]") {
    timed_context io;
    using timer_type = rill::basic_waitable_timer<settable_clock>;
    settable_clock::current = settable_clock::time_point(1'000'000ms);
    timer_type close(io, 100ms), distant(io, 100h), farther(io, settable_clock::duration::max());
    CHECK(farther.expiry() == settable_clock::time_point::max());
    answer waits[3];
    close.async_wait(waits[0].handler());
    distant.async_wait(waits[1].handler());
    farther.async_wait(waits[2].handler());
    // However long it takes, as long as the clock stands still they do not expire.
    io.run_for(10s);
    CHECK(waits[0].calls + waits[1].calls == 0);
    settable_clock::current += 100ms;
    io.run_for(1s);
    CHECK(waits[0].succeeded());
    CHECK(waits[1].calls == 0);
    settable_clock::current += 200h;
    io.run_for(1s);
    CHECK(waits[1].succeeded());
    // And backwards.
    distant.expires_after(2s);
    settable_clock::current -= 300h;
    answer back;
    distant.async_wait(back.handler());
    io.run_for(100h);
    CHECK(back.calls == 0);
    settable_clock::current = distant.expiry();
    io.run_for(1s);
    CHECK(back.succeeded());
    CHECK(farther.cancel() == 1);
    io.run();
}

TEST_CASE("wait traits only advise when to look at the clock", "[io][basic_waitable_timer]") {
    timed_context io;
    settable_clock::current = settable_clock::time_point(0ms);
    rill::basic_waitable_timer<settable_clock, frequent_looks> timer(io, 1h);
    frequent_looks::looks = 0;
    answer wait;
    timer.async_wait(wait.handler());
    io.run_for(1s);
    CHECK(wait.calls == 0);
    CHECK(frequent_looks::looks >= 99);
    settable_clock::current += 1h;
    const auto set = io.time();
    io.run();
    CHECK(wait.succeeded());
    CHECK(io.time() - set <= 10ms);

    rill::basic_waitable_timer<settable_clock, restless> hurried(io, 1ms);
    answer not_yet;
    hurried.async_wait(not_yet.handler());
    io.restart();
    io.run_for(1us);
    CHECK(not_yet.calls == 0);
    settable_clock::current += 1ms;
    io.run();
    CHECK(not_yet.succeeded());
}

TEST_CASE("a clock of coarse ticks has no range to overflow", "[io][basic_waitable_timer]") {
    timed_context io;
    coarse_clock::current = {};
    rill::basic_waitable_timer<coarse_clock> timer(io, coarse_clock::time_point::max());
    answer wait;
    timer.async_wait(wait.handler());
    io.run_for(10s);
    CHECK(wait.calls == 0);
    coarse_clock::current = coarse_clock::time_point::max();
    io.run();
    CHECK(wait.succeeded());
}

TEST_CASE("a timer is used from a thread that does not run its context", "[io][basic_waitable_timer]") {
    rill::io_context io(GENERATE(solo, shared));
    auto work = rill::make_work_guard(io);
    std::thread runner([&] { io.run(); });
    std::atomic<int> expired{0}, aborted{0}, order{0};
    std::atomic<bool> in_order{true};
    auto note = [&](error_code ec) { ++(ec ? aborted : expired); };
    auto wait_for = [](std::atomic<int>& value, int n) {
        while (value != n)
            std::this_thread::yield();
    };
    steady_timer distant(io, 1h);
    distant.async_wait(note);
    for (int i = 0; i < 50; ++i) {
        // An earlier expiry than that for which the loop waits already.
        steady_timer close(io, std::chrono::microseconds(i * 10));
        close.async_wait(note);
        close.async_wait([&, i](error_code) {
            if (order++ != i)
                in_order = false;
        });
        wait_for(expired, i + 1);
        wait_for(order, i + 1);
        close.expires_after(1h);
        close.async_wait(note);
        close.async_wait(note);
        rill::cancellation_signal signal;
        close.async_wait(rill::bind_cancellation_slot(signal.slot(), note));
        switch (i % 4) {
        case 0: close.cancel(); break;
        case 1: close.expires_after(2h); break;
        case 2:
            signal.emit(rill::cancellation_type::total);
            close.cancel_one();
            close.cancel_one();
            break;
        default: close = steady_timer(io);
        }
        wait_for(aborted, 3 * (i + 1));
    }
    distant.cancel();
    work.reset();
    runner.join();
    CHECK(in_order);
    CHECK(expired == 50);
    CHECK(aborted == 151);
}

TEST_CASE("a handler starts the next wait of a clock that ticks on", "[io][basic_waitable_timer]") {
    rill::io_context io(GENERATE(solo, shared));
    steady_timer timer(io, steady_clock::now());
    int ticks = 0;
    std::function<void(error_code)> tick = [&](error_code ec) {
        CHECK_FALSE(ec);
        if (++ticks == 100)
            return;
        timer.expires_at(timer.expiry() + 10us);
        timer.async_wait(tick);
    };
    timer.async_wait(tick);
    run(io);
    CHECK(ticks == 100);
}

TEST_CASE("a timer fires on another thread while the one that ran the handler before is held up", "[io][timer]") {
    rill::io_context io;
    auto guard = rill::make_work_guard(io);
    for (int i = 0; i != 20; ++i) {
        rill::steady_timer first(io, 200us);
        rill::steady_timer second(io, 500us);
        std::atomic<bool> second_fired{false}, over{false}, in_time{false};
        first.async_wait([&](rill::error_code) {
            in_time = soon([&] { return second_fired.load(); });
            over = true;
        });
        second.async_wait([&](rill::error_code) { second_fired = true; });
        std::thread threads[2];
        for (auto& t : threads)
            t = std::thread([&] { io.run(); });
        CHECK(soon([&] { return over && second_fired; }));
        io.stop();
        for (auto& t : threads)
            t.join();
        io.restart();
        CHECK(in_time);
    }
}
