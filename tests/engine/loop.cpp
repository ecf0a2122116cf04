// SPDX-License-Identifier: BSL-1.0
#include <rill/engine/scheduler/loop.hpp>

#include <support/bare_sockets.hpp>
#include <support/catch.hpp>
#include <support/loop_harness.hpp>
#include <support/manual_driver.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace rill::engine;
using namespace std::chrono_literals;
using rill::error_code;

namespace {

threading any_threading() { return GENERATE(threading::solo, threading::shared); }

/// A wait for a pipe's end to be readable, again and again.
struct pipe_wait final : wait_request {
    explicit pipe_wait(std::function<void(error_code)> f)
        : wait_request(&deliver, direction::read), function(std::move(f)) {}
    static void deliver(loop* owner, task& t) {
        auto& self = static_cast<pipe_wait&>(t);
        ++self.delivered;
        if (owner)
            self.function(self.ec);
    }
    void start(loop& l, registration* r) {
        state = request_state::created;
        ec = error_code();
        handle = r;
        l.start(*this);
    }
    std::function<void(error_code)> function;
    int delivered = 0;
};

struct open_pipe {
    open_pipe() { REQUIRE(bare::open_pair(ends)); }
    ~open_pipe() {
        bare::close(ends[0]);
        bare::close(ends[1]);
    }
    void write() const { CHECK(bare::send(ends[1], "x", 1) == 1); }
    bare::handle ends[2];
};

/// A wait for a time.
struct timer_wait final : timer_request {
    timer_wait(timer_group& g, time_point t, std::function<void(error_code)> f) : timer_wait(t, std::move(f)) {
        group = &g;
    }
    /// Of no timer.
    timer_wait(time_point t, std::function<void(error_code)> f) : timer_request(&deliver, t), function(std::move(f)) {}
    static void deliver(loop* owner, task& t) {
        auto& self = static_cast<timer_wait&>(t);
        ++self.delivered;
        if (owner)
            self.function(self.ec);
    }
    std::function<void(error_code)> function;
    int delivered = 0;
};

}  // namespace

// -- tasks

TEST_CASE("a loop runs posted tasks in order, and ends", "[engine][loop]") {
    loop_harness l(any_threading());
    std::vector<int> order;
    for (int i = 0; i < 5; ++i)
        l.post([&order, i] { order.push_back(i); });
    CHECK_FALSE(l->stopped());
    CHECK(l.run() == 5);
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
    CHECK(l->stopped());
    l.post([&] { order.push_back(5); });
    CHECK(l.run() == 0);
    l->restart();
    CHECK(l.run() == 1);
    CHECK(order.back() == 5);
}

TEST_CASE("what a task posts runs after it and what was posted before", "[engine][loop]") {
    loop_harness l(any_threading());
    std::vector<int> order;
    l.post([&] {
        l.post([&] { order.push_back(3); });
        order.push_back(1);
    });
    l.post([&] { order.push_back(2); });
    CHECK(l.run() == 3);
    CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("tasks from another thread run in the order in which it posted them", "[engine][loop]") {
    loop_harness l(any_threading());
    constexpr int count = 5000;
    int next = 0;
    bool in_order = true;
    work_guard work(*l);
    std::thread poster([&] {
        for (int i = 0; i < count; ++i)
            l.post([&, i] { in_order &= next++ == i; });
        work.reset();
    });
    CHECK(l.run() == count);
    poster.join();
    CHECK(in_order);
}

TEST_CASE("run_one() runs one task, poll() and poll_one() only what is ready", "[engine][loop]") {
    loop_harness l(any_threading());
    CHECK(l.poll() == 0);
    CHECK(l->stopped());  // there was no work
    l->restart();
    int count = 0;
    for (int i = 0; i < 4; ++i)
        l.post([&] { ++count; });
    CHECK(l.run_one() == 1);
    CHECK(count == 1);
    CHECK(l.poll_one() == 1);
    CHECK(count == 2);
    work_guard work(*l);
    CHECK(l.poll() == 2);
    CHECK(l.poll() == 0);
    CHECK(l.poll_one() == 0);
    CHECK_FALSE(l->stopped());
}

TEST_CASE("poll() also runs what the tasks post", "[engine][loop]") {
    loop_harness l(any_threading());
    int count = 0;
    l.post([&] { l.post([&] { l.post([&] { ++count; }); }); });
    CHECK(l.poll() == 3);
    CHECK(count == 1);
}

TEST_CASE("a task knows that it is inside run()", "[engine][loop]") {
    loop_harness l(any_threading()), other(threading::shared);
    bool here = false, there = true, elsewhere = true;
    l.post([&] {
        here = l->runs_here();
        there = other->runs_here();
        std::thread([&] { elsewhere = l->runs_here(); }).join();
    });
    CHECK_FALSE(l->runs_here());
    l.run();
    CHECK_FALSE(l->runs_here());
    CHECK(here);
    CHECK_FALSE(there);
    CHECK_FALSE(elsewhere);
}

TEST_CASE("stop() makes run() return after the task, and the others wait", "[engine][loop]") {
    loop_harness l(any_threading());
    int count = 0;
    l.post([&] {
        ++count;
        l->stop();
    });
    l.post([&] { ++count; });
    CHECK(l.run() == 1);
    CHECK(l->stopped());
    CHECK(l.run() == 0);
    CHECK(l.poll() == 0);
    l->restart();
    CHECK_FALSE(l->stopped());
    CHECK(l.run() == 1);
    CHECK(count == 2);
}

TEST_CASE("stop() from another thread ends a run() that sleeps", "[engine][loop]") {
    const auto mode = any_threading();
    for (int i = 0; i < 100; ++i) {
        loop_harness l(mode);
        work_guard work(*l);
        std::thread stopper([&l] { l->stop(); });
        l.run();
        CHECK(l->stopped());
        stopper.join();
    }
}

TEST_CASE("an exception leaves run() and the loop goes on", "[engine][loop]") {
    loop_harness l(any_threading());
    int count = 0;
    l.post([] { throw std::runtime_error("task"); });
    l.post([&] { ++count; });
    CHECK_THROWS_AS(l.run(), std::runtime_error);
    CHECK_FALSE(l->runs_here());
    CHECK(l.run() == 1);
    CHECK(count == 1);
    CHECK(l->stopped());
}

TEST_CASE("a task may run the loop", "[engine][loop]") {
    loop_harness l(any_threading());
    std::vector<int> order;
    std::size_t inner = 0;
    l.post([&] {
        order.push_back(1);
        inner += l.run_one();
        inner += l.poll_one();
        inner += l.poll();
        order.push_back(4);
    });
    l.post([&] { order.push_back(2); });
    l.post([&] { order.push_back(3); });
    CHECK(l.run() == 1);
    CHECK(inner == 2);
    CHECK(order == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("an exception passes through a run() within a run()", "[engine][loop]") {
    loop_harness l(any_threading());
    l.post([&] { CHECK_THROWS_AS(l.run_one(), std::runtime_error); });
    l.post([] { throw std::runtime_error("task"); });
    CHECK(l.run() == 1);
    CHECK_FALSE(l->runs_here());
}

TEST_CASE("a second thread may not run a solo loop", "[engine][loop]") {
    loop_harness l(threading::solo);
    error_code ec;
    l.post([&] {
        std::thread([&] {
            try {
                l.run();
            } catch (const rill::system_error& e) {
                ec = e.code();
            }
        }).join();
    });
    CHECK(l.run() == 1);
    CHECK(ec == rill::error::no_permission);
    l->restart();
    l.post([] {});
    std::size_t ran = 0;
    std::thread([&] { ran = l.run(); }).join();  // one after the other is fine
    CHECK(ran == 1);
}

// -- limits of time

TEST_CASE("run_for() ends in time, whether there is work or not", "[engine][loop]") {
    const auto mode = any_threading();
    auto* driver = new manual_driver;
    loop_harness l(std::unique_ptr<rill::engine::driver>(driver), mode);
    work_guard work(*l);
    const auto start = driver->now();
    CHECK(l.run_for(10ms) == 0);
    CHECK(driver->now() == start + 10ms);
    CHECK_FALSE(l->stopped());
    CHECK(l.run_for(-10ms) == 0);
    CHECK(driver->now() == start + 10ms);

    // Each task takes a millisecond and posts the next one.
    int count = 0;
    std::function<void()> task = [&] {
        ++count;
        driver->advance(1ms);
        if (count < 100)
            l.post(task);
    };
    l.post(task);
    CHECK(l.run_for(10ms) == 10);
    work.reset();
    CHECK(l.run() == 90);
}

TEST_CASE("a limit before the beginning of time is no limit that overflows", "[engine][loop]") {
    loop_harness l(any_threading());
    work_guard work(*l);
    CHECK(l->run(1, time_point::min() + 1ns) == 0);
}

// -- work

TEST_CASE("run() waits for guards that other threads hold", "[engine][loop]") {
    const auto mode = any_threading();
    for (int i = 0; i < 200; ++i) {
        loop_harness l(mode);
        std::atomic<bool> released{false};
        std::thread holder([&, work = work_guard(*l)]() mutable {
            std::this_thread::yield();
            released = true;
            work.reset();
        });
        l.run();
        const bool waited = released;
        holder.join();
        CHECK(waited);
    }
}

TEST_CASE("a guard may be taken on one thread and released on another", "[engine][loop]") {
    loop_harness l(any_threading());
    std::vector<work_guard> from_inside;
    l.post([&] { from_inside.emplace_back(*l); });
    CHECK(l.poll() == 1);
    CHECK_FALSE(l->stopped());
    std::thread holder([&] { from_inside.clear(); });
    CHECK(l.run() == 0);
    holder.join();

    l->restart();
    work_guard outside(*l);
    l.post([&] { outside.reset(); });
    CHECK(l.run() == 1);
    CHECK(l->stopped());
}

TEST_CASE("a guard that comes and goes before run() does not stop the loop", "[engine][loop]") {
    loop_harness l(any_threading());
    { work_guard work(*l); }
    std::thread([&] { work_guard work(*l); }).join();
    l.post([] {});
    CHECK(l.run() == 1);
}

TEST_CASE("what a thread posts before it releases the last guard is run", "[engine][loop]") {
    const auto mode = any_threading();
    int lost = 0;
    for (int i = 0; i < 1000; ++i) {
        loop_harness l(mode);
        work_guard work(*l);
        std::thread poster([&] {
            l.post([] {});
            work.reset();
        });
        lost += l.run() != 1;
        poster.join();
    }
    CHECK(lost == 0);
}

TEST_CASE("the last guard may be released while the loop is destroyed", "[engine][loop]") {
    const auto mode = any_threading();
    for (int i = 0; i < 500; ++i) {
        std::optional<loop_harness> l(std::in_place, mode);
        std::thread holder([work = work_guard(**l)]() mutable { work.reset(); });
        if (i % 2)
            l->run();
        l.reset();
        holder.join();
    }
    SUCCEED();
}

TEST_CASE("guards outlive the loop", "[engine][loop]") {
    std::optional<loop_harness> l(std::in_place, any_threading());
    std::vector<work_guard> guards;
    for (int i = 0; i < 3; ++i)
        guards.emplace_back(**l);
    l->post([&] { guards.emplace_back(**l); });
    l->poll();
    l.reset();
    std::thread([&] { guards.pop_back(); }).join();
    guards.pop_back();
    guards.clear();
}

TEST_CASE("several threads share the tasks of a shared loop", "[engine][loop]") {
    loop_harness l(threading::shared);
    constexpr int count = 20000;
    std::atomic<int> ran{0};
    work_guard work(*l);
    std::vector<std::thread> threads;
    std::atomic<std::size_t> reported{0};
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] { reported += l.run(); });
    for (int i = 0; i < count / 2; ++i)
        l.post([&] {
            ++ran;
            l.post([&] { ++ran; });
        });
    work.reset();
    for (auto& t : threads)
        t.join();
    CHECK(ran == count);
    CHECK(reported == count);
}

TEST_CASE("a task that blocks does not hold up the next one while another thread has nothing to do", "[engine][loop]") {
    loop_harness l(threading::shared);
    work_guard work(*l);
    std::thread threads[2];
    for (auto& t : threads)
        t = std::thread([&] { l.run(); });
    bool stuck = false;
    for (int i = 0; i < 300 && !stuck; ++i) {
        std::atomic<bool> second{false}, over{false};
        std::atomic<bool> in_time{false};
        l.post([&] {
            in_time = soon([&] { return second.load(); });
            over = true;
        });
        l.post([&] { second = true; });
        soon([&] { return over && second; });
        stuck = !in_time;
        for (int k = 0; k < i % 16; ++k)
            std::this_thread::yield();
    }
    work.reset();
    for (auto& t : threads)
        t.join();
    CHECK_FALSE(stuck);
}

TEST_CASE("a shared loop loses no wake-up when threads come and go", "[engine][loop]") {
    loop_harness l(threading::shared);
    work_guard work(*l);
    std::atomic<bool> done{false};
    std::thread steady([&] { l.run(); });
    std::thread visitors[2];
    for (auto& t : visitors)
        t = std::thread([&] {
            for (int i = 0; !done; ++i) {
                if (i % 3 == 0)
                    l.run_for(50us);
                else if (i % 3 == 1)
                    l->run(1, l->now() + 100us);
                else
                    l.poll();
            }
        });
    bool lost = false;
    for (int i = 0; i < 2000 && !lost; ++i) {
        std::atomic<bool> ran{false};
        l.post([&] { ran = true; });
        lost = !soon([&] { return ran.load(); });
    }
    done = true;
    for (auto& t : visitors)
        t.join();
    work.reset();
    steady.join();
    CHECK_FALSE(lost);
}

// -- fairness

TEST_CASE("posted work that never ends holds up neither I/O nor timers", "[engine][loop]") {
    timer_group* group = nullptr;  // reset when the loop ends
    loop_harness l(any_threading());
    open_pipe pipe;
    error_code ec;
    registration* r = nullptr;
    r = l->attach(pipe.ends[0], &r, ec);
    REQUIRE(r);
    group = l->add_group(&group);
    bool read = false, timed = false;
    long posted = 0;
    pipe_wait wait([&](error_code) { read = true; });
    timer_wait timer(*group, l->now() + 1ms, [&](error_code) { timed = true; });
    wait.start(*l, r);
    l->start(timer);
    std::function<void()> again = [&] {
        if (++posted == 1000)
            pipe.write();
        if ((!read || !timed) && posted < 50'000'000)
            l.post(again);
    };
    l.post(again);
    l.run_for(2s);
    CHECK(read);
    CHECK(timed);
    l->release(*r);
}

TEST_CASE("I/O that never ends does not hold up posted work", "[engine][loop]") {
    loop_harness l(any_threading());
    open_pipe pipe;
    error_code ec;
    registration* r = nullptr;
    r = l->attach(pipe.ends[0], &r, ec);
    REQUIRE(r);
    pipe.write();  // and it is never read
    bool ran = false;
    int waits = 0;
    pipe_wait wait([](error_code) {});
    wait.function = [&](error_code) {
        if (++waits == 10)
            l.post([&] { ran = true; });
        if (!ran && waits < 10'000'000)
            wait.start(*l, r);
    };
    wait.start(*l, r);
    l.run();
    CHECK(ran);
    CHECK(waits < 10000);
    l->release(*r);
}

TEST_CASE("an inbox that is never empty holds up neither I/O nor timers", "[engine][loop]") {
    timer_group* group = nullptr;  // reset when the loop ends
    loop_harness l(any_threading());
    open_pipe pipe;
    error_code ec;
    registration* r = nullptr;
    r = l->attach(pipe.ends[0], &r, ec);
    REQUIRE(r);
    group = l->add_group(&group);
    const bool with_tasks = GENERATE(true, false);
    std::atomic<int> over{0};
    pipe_wait wait([&](error_code) { ++over; });
    timer_wait timer(*group, l->now() + 1ms, [&](error_code) { ++over; });
    wait.start(*l, r);
    l->start(timer);
    std::atomic<bool> posted{false};
    work_guard work(*l);
    std::thread runner([&] { l.run(); });
    std::thread poster([&] {
        soon([&] {
            for (int i = 0; i < 100; ++i) {
                if (with_tasks)
                    l.post([] {});
                else
                    l->cancel_waits(*group, 0);  // a message that is no task
            }
            posted = true;
            return over == 2;
        });
    });
    soon([&] { return posted.load(); });
    pipe.write();
    poster.join();
    CHECK(over == 2);
    l->stop();
    runner.join();
    l->release(*r);
}

// -- timers, on a clock that the test sets

TEST_CASE("timers fire in the order of their times, and no earlier", "[engine][loop][timer]") {
    const auto mode = any_threading();
    auto* driver = new manual_driver;
    timer_group* group = nullptr;  // reset when the loop ends
    loop_harness l(std::unique_ptr<rill::engine::driver>(driver), mode);
    group = l->add_group(&group);
    const auto start = driver->now();
    std::vector<std::pair<int, time_point>> fired;
    const auto wait_for = [&](int n, time_point::duration d) {
        return std::make_unique<timer_wait>(*group, start + d, [&fired, driver, n](error_code ec) {
            CHECK_FALSE(ec.failed());
            fired.emplace_back(n, driver->now());
        });
    };
    auto a = wait_for(0, 30ms), b = wait_for(1, 10ms), c = wait_for(2, 30ms), d = wait_for(3, -5ms);
    for (auto* w : {a.get(), b.get(), c.get(), d.get()})
        l->start(*w);
    CHECK(l.poll() == 1);
    CHECK(l.run_for(9ms) == 0);
    CHECK(driver->now() == start + 9ms);
    CHECK(l.run() == 3);
    REQUIRE(fired.size() == 4);
    CHECK(fired[0] == std::pair(3, start));
    CHECK(fired[1] == std::pair(1, start + 10ms));
    CHECK(fired[2] == std::pair(0, start + 30ms));
    CHECK(fired[3] == std::pair(2, start + 30ms));
    l->remove_group(*group);
}

TEST_CASE("a timer at either end of time neither overflows nor spins", "[engine][loop][timer]") {
    timer_group* group = nullptr;  // reset when the loop ends
    loop_harness l(any_threading());
    group = l->add_group(&group);
    error_code first, second;
    timer_wait at_once(*group, time_point::min(), [&](error_code ec) { first = ec; });
    timer_wait never(*group, time_point::max(), [&](error_code ec) { second = ec; });
    l->start(never);
    std::thread([&] { l->start(at_once); }).join();
    CHECK(l.run_one() == 1);
    CHECK(at_once.delivered == 1);
    CHECK(l.run_for(1ms) == 0);
    CHECK(l->cancel_waits(*group, 5) == 1);
    CHECK(l.run() == 1);
    CHECK_FALSE(first.failed());
    CHECK(second == rill::error::operation_aborted);
    l->remove_group(*group);
}

TEST_CASE("cancel_waits() ends the oldest waits first", "[engine][loop][timer]") {
    const auto mode = any_threading();
    timer_group* group = nullptr;  // reset when the loop ends
    loop_harness l(std::make_unique<manual_driver>(), mode);
    group = l->add_group(&group);
    std::vector<int> aborted;
    std::vector<std::unique_ptr<timer_wait>> waits;
    for (int i = 0; i < 4; ++i) {
        waits.push_back(std::make_unique<timer_wait>(*group, l->now() + (10 - i) * 1ms, [&aborted, i](error_code ec) {
            if (ec == rill::error::operation_aborted)
                aborted.push_back(i);
        }));
        l->start(*waits.back());
    }
    CHECK(l->cancel_waits(*group, 1) == 1);
    CHECK(l->cancel_waits(*group, 2) == 2);
    CHECK(l.run() == 4);
    CHECK(aborted == std::vector<int>{0, 1, 2});
    CHECK(l->cancel_waits(*group, 1) == 0);
    l->remove_group(*group);
}

TEST_CASE("a new earliest timer from another thread is not slept over", "[engine][loop][timer]") {
    timer_group* group = nullptr;  // reset when the loop ends
    loop_harness l(any_threading());
    group = l->add_group(&group);
    timer_wait late(*group, l->now() + 1h, [](error_code) {});
    l->start(late);
    std::atomic<bool> fired{false};
    std::thread runner([&] { l.run(); });
    std::vector<std::unique_ptr<timer_wait>> early;
    bool all_fired = true;
    for (int i = 0; i < 200 && all_fired; ++i) {
        fired = false;
        early.push_back(std::make_unique<timer_wait>(*group, l->now(), [&](error_code) { fired = true; }));
        l->start(*early.back());
        all_fired = soon([&] { return fired.load(); });
    }
    l->cancel_waits(*group, static_cast<std::size_t>(-1));
    runner.join();
    CHECK(all_fired);
    CHECK(late.ec == rill::error::operation_aborted);
    l->remove_group(*group);
}

TEST_CASE("a wait is cancelled through its message from other threads, exactly once", "[engine][loop][timer]") {
    timer_group* group = nullptr;  // reset when the loop ends
    loop_harness l(any_threading());
    group = l->add_group(&group);
    work_guard work(*l);
    std::thread runner([&] { l.run(); });
    constexpr int count = 300;
    int wrong = 0;
    for (int i = 0; i < count; ++i) {
        std::atomic<int> calls{0};
        timer_wait wait(*group, l->now() + (i % 2 ? 0us : 30us), [&](error_code) { ++calls; });
        cancel_message message(wait);
        std::atomic<int> ready{0};
        std::thread canceller([&] {
            ++ready;
            soon([&] { return ready == 2; });
            l->cancel(message);
        });
        ++ready;
        l->start(wait);
        canceller.join();
        wrong += !soon([&] { return calls == 1; });
        // The loop gives the message back before it ends the next task that is posted behind it.
        std::atomic<bool> behind{false};
        l.post([&] {
            l->take_back(message);
            behind = true;
        });
        soon([&] { return behind.load(); });
        wrong += calls != 1;
    }
    work.reset();
    runner.join();
    CHECK(wrong == 0);
    l->remove_group(*group);
}

TEST_CASE("a group may be removed from another thread while its waits fire", "[engine][loop][timer]") {
    loop_harness l(any_threading());
    work_guard work(*l);
    std::thread runner([&] { l.run(); });
    std::atomic<int> delivered{0};
    std::vector<std::unique_ptr<timer_wait>> waits;
    for (int i = 0; i < 200; ++i) {
        timer_group* group = l->add_group(&group);
        for (int k = 0; k < 3; ++k) {
            waits.push_back(
                std::make_unique<timer_wait>(*group, l->now() + k * 20us, [&](error_code) { ++delivered; }));
            l->start(*waits.back());
        }
        if (i % 2)
            l->cancel_waits(*group, 1);
        l->remove_group(*group);
    }
    const bool all = soon([&] { return delivered == 600; });
    work.reset();
    runner.join();
    CHECK(all);
}

// -- the end

TEST_CASE("a wait that is withdrawn is not delivered and is no work any more", "[engine][loop][timer]") {
    auto owned = std::make_unique<manual_driver>();
    manual_driver* driver = owned.get();
    loop_harness l(std::move(owned), any_threading());
    timer_wait first(l->now() + 1h, [](error_code) {}), second(l->now() + 1s, [](error_code) {});
    bool taken = false, taken_again = true;
    l.post([&] {
        l->start(first);
        l->start(second);
        taken = l->withdraw(first);
        taken_again = l->withdraw(first);
    });
    const auto before = driver->now();
    CHECK(l.run() == 2);
    CHECK(taken);
    CHECK_FALSE(taken_again);
    CHECK(first.delivered == 0);
    CHECK(second.delivered == 1);
    CHECK(driver->now() == before + 1s);
}

TEST_CASE("a wait that has been answered cannot be withdrawn, and is delivered", "[engine][loop][timer]") {
    loop_harness l(std::make_unique<manual_driver>(), any_threading());
    bool withdrawn = true;
    timer_wait late(l->now() + 1ms, [](error_code) {});
    timer_wait early(l->now() + 1ms, [&](error_code) { withdrawn = l->withdraw(late); });
    l->start(early);
    l->start(late);
    CHECK(l.run() == 2);
    CHECK_FALSE(withdrawn);
    CHECK(late.delivered == 1);
}

TEST_CASE("a wait is withdrawn within reach only: on a solo loop's thread", "[engine][loop][timer]") {
    const auto mode = any_threading();
    loop_harness l(mode);
    timer_wait wait(l->now() + 1h, [](error_code) {});
    bool reached = false, withdrawn = false;
    l.post([&] {
        l->start(wait);
        std::thread([&] {
            reached = l->within_reach();
            withdrawn = l->withdraw(wait);
        }).join();
        if (!withdrawn)
            withdrawn = l->withdraw(wait);
    });
    CHECK(l.run() == 1);
    CHECK(reached == (mode == threading::shared));
    CHECK(withdrawn);
    CHECK(wait.delivered == 0);
}

TEST_CASE("a wait that another thread has just started can be withdrawn", "[engine][loop][timer]") {
    loop_harness l(any_threading());
    timer_wait wait(l->now() + 1h, [](error_code) {});
    bool withdrawn = false;
    l.post([&] {
        std::thread([&] { l->start(wait); }).join();
        withdrawn = l->withdraw(wait);
    });
    CHECK(l.run_for(0s) == 1);
    CHECK(withdrawn);
    CHECK(l.poll() == 0);
    CHECK(l->stopped());  // it is no work any more
}

TEST_CASE("waits of no timer are destroyed with the loop, whatever their clocks say", "[engine][loop][timer]") {
    int looks = 0;
    static int* counted;
    counted = &looks;
    loop_harness l(any_threading());
    timer_wait steady(l->now() + 1h, [](error_code) {}), other(l->now() + 1h, [](error_code) {});
    other.look_again = [](const timer_request&, time_point now) {
        ++*counted;
        return now + 1h;
    };
    l->start(steady);
    l->start(other);
    l.poll();
    l.shut_down();
    CHECK(steady.delivered == 1);
    CHECK(other.delivered == 1);
    CHECK(looks == 0);
}

TEST_CASE("a wait that is due at once needs no wait of the driver, whatever it was told before",
          "[engine][loop][timer]") {
    auto owned = std::make_unique<manual_driver>();
    manual_driver* driver = owned.get();
    loop_harness l(std::move(owned), threading::solo);
    timer_wait late(l->now() + 1h, [](error_code) {});
    int waits = -1;
    timer_wait at_once(l->now(), [&](error_code) {
        waits = driver->waits() - waits;
        CHECK(l->withdraw(late));
    });
    timer_wait early(l->now() + 1s, [&](error_code) {
        at_once.due = l->now();
        l->start(at_once);
        waits = driver->waits();
    });
    l->start(late);
    l->start(early);
    CHECK(l.run() == 2);
    CHECK(waits == 0);
}

TEST_CASE("a loop destroys queued tasks without running them", "[engine][loop]") {
    const auto mode = any_threading();
    auto owned = std::make_shared<int>();
    bool ran = false;
    {
        loop_harness l(mode);
        l.post([&ran, owned] { ran = true; });
        std::thread([&] { l.post([&ran, owned] { ran = true; }); }).join();
        CHECK(owned.use_count() == 3);
    }
    CHECK_FALSE(ran);
    CHECK(owned.use_count() == 1);
}

TEST_CASE("a destroyed task may post, start and give up work", "[engine][loop]") {
    const auto mode = any_threading();
    open_pipe pipe;
    error_code ec;
    registration* r = nullptr;
    timer_group* group = nullptr;
    pipe_wait wait([](error_code) {});
    std::unique_ptr<timer_wait> timer;
    auto owned = std::make_shared<int>();
    {
        loop_harness l(mode);
        auto work = std::make_shared<work_guard>(*l);
        loop* raw = &*l;
        const std::shared_ptr<void> keep(nullptr, [&, raw, owned, work](void*) {
            r = raw->attach(pipe.ends[0], &r, ec);
            wait.start(*raw, r);
            group = raw->add_group(&group);
            timer = std::make_unique<timer_wait>(*group, raw->now() + 1h, [](error_code) {});
            raw->start(*timer);
            raw->post(*new task([](loop* owner, task& t) {
                CHECK(owner == nullptr);
                delete &t;
            }));
        });
        l.post([keep] {});
    }
    CHECK(wait.delivered == 1);
    CHECK(timer->delivered == 1);
    CHECK(r == nullptr);
    CHECK(group == nullptr);
    CHECK(owned.use_count() == 1);
}

TEST_CASE("a loop that is destroyed ends its requests and forgets the objects behind them", "[engine][loop]") {
    const auto mode = any_threading();
    open_pipe pipe;
    error_code ec;
    registration* r = nullptr;
    timer_group* group = nullptr;
    pipe_wait wait([](error_code) { CHECK(false); });
    std::unique_ptr<timer_wait> timer;
    {
        loop_harness l(mode);
        r = l->attach(pipe.ends[0], &r, ec);
        REQUIRE(r);
        group = l->add_group(&group);
        timer = std::make_unique<timer_wait>(*group, l->now() + 1h, [](error_code) { CHECK(false); });
        wait.start(*l, r);
        l->start(*timer);
        if (GENERATE(false, true))
            l.poll();
    }
    CHECK(wait.delivered == 1);
    CHECK(wait.ec == rill::error::operation_aborted);
    CHECK(timer->delivered == 1);
    CHECK(timer->ec == rill::error::operation_aborted);
    CHECK(r == nullptr);
    CHECK(group == nullptr);
}
