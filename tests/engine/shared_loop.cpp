// SPDX-License-Identifier: BSL-1.0
#include <rill/engine/scheduler/loop.hpp>

#include <rill/engine/driver/make_driver.hpp>
#include <rill/engine/request/timer_request.hpp>
#include <support/catch.hpp>

#include <support/loop_harness.hpp>
#include <support/soon.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

// What threads can do to each other in a shared loop. RILL_TEST_RACES in the environment multiplies the number of rounds.

using namespace std::chrono_literals;
using rill::engine::threading;

namespace {

int long_form() {
    const char* named = std::getenv("RILL_TEST_RACES");
    return named ? std::max(1, std::atoi(named)) : 1;
}

/// A fast source of numbers that look random.
class numbers {
public:
    explicit numbers(unsigned seed) : state_(seed * 2654435761u + 1) {}
    unsigned below(unsigned n) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 17;
        state_ ^= state_ << 5;
        return state_ % n;
    }

private:
    std::uint32_t state_;
};

/// Tasks that post others, each of which must run exactly once.
class census {
public:
    explicit census(std::size_t n) : runs_(n) {}

    std::size_t size() const { return runs_.size(); }

    /// Runs number @p i, which posts its children: two for each of the first half.
    void run(loop_harness& l, std::size_t i) {
        for (std::size_t child : {2 * i + 1, 2 * i + 2})
            if (child < runs_.size())
                l.post([this, &l, child] { run(l, child); });
        runs_[i].fetch_add(1, std::memory_order_relaxed);
        done_.fetch_add(1, std::memory_order_release);
    }
    bool complete() const { return done_.load(std::memory_order_acquire) >= runs_.size(); }
    bool once_each() const {
        for (auto& n : runs_)
            if (n.load() != 1)
                return false;
        return true;
    }

private:
    std::vector<std::atomic<int>> runs_;
    std::atomic<std::size_t> done_{0};
};

/// A driver without handles in which many may wait, and where each wake-up is one thread's: of those that wait, the last
/// to come; or of one that looks, if that is faster, as it always is while hold() holds the waiting ones back.
class one_wakes_driver final : public rill::engine::driver {
public:
    using request = rill::engine::request;
    using registration = rill::engine::registration;
    using task_queue = rill::engine::task_queue;

    const char* name() const noexcept override { return "one wakes"; }
    registration* attach(rill::engine::native_handle, rill::error_code&) noexcept override { return nullptr; }
    void detach(registration&, bool, task_queue&) noexcept override {}
    void start(request&, task_queue&) noexcept override {}
    void cancel(request&, task_queue&) noexcept override {}
    void cancel_all(registration&, task_queue&) noexcept override {}
    void shut_down(task_queue&) noexcept override {}
    bool many_may_wait() const noexcept override { return true; }

    void wait(rill::engine::wait_limit limit, task_queue&) noexcept override {
        std::unique_lock lock(mutex_);
        if (limit.look_only) {
            woken_ = false;
            return;
        }
        const int place = ++waiting_;
        changed_.wait(lock, [&] { return woken_ && !held_ && place == waiting_; });
        woken_ = false;
        --waiting_;
        changed_.notify_all();
    }
    void wake() noexcept override {
        const std::lock_guard lock(mutex_);
        woken_ = true;
        ++wakes_;
        changed_.notify_all();
    }

    void hold(bool on) {
        const std::lock_guard lock(mutex_);
        held_ = on;
        changed_.notify_all();
    }
    int waiting() const {
        const std::lock_guard lock(mutex_);
        return waiting_;
    }
    int wakes() const {
        const std::lock_guard lock(mutex_);
        return wakes_;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool woken_ = false;
    bool held_ = false;
    int waiting_ = 0;
    int wakes_ = 0;
};

/// Passes everything on to another driver, and counts the waits.
class counting_driver final : public rill::engine::driver {
public:
    using request = rill::engine::request;
    using registration = rill::engine::registration;
    using task_queue = rill::engine::task_queue;

    explicit counting_driver(std::unique_ptr<driver> d) : driver_(std::move(d)) {}

    const char* name() const noexcept override { return driver_->name(); }
    registration* attach(rill::engine::native_handle h, rill::error_code& ec) noexcept override {
        return driver_->attach(h, ec);
    }
    void detach(registration& r, bool closing, task_queue& q) noexcept override { driver_->detach(r, closing, q); }
    void start(request& q, task_queue& ready) noexcept override { driver_->start(q, ready); }
    void cancel(request& q, task_queue& ready) noexcept override { driver_->cancel(q, ready); }
    void cancel_all(registration& r, task_queue& ready) noexcept override { driver_->cancel_all(r, ready); }
    void shut_down(task_queue& ready) noexcept override { driver_->shut_down(ready); }
    bool many_may_wait() const noexcept override { return driver_->many_may_wait(); }
    void expect(rill::engine::time_point deadline) noexcept override { driver_->expect(deadline); }
    void wake() noexcept override { driver_->wake(); }
    void wait(rill::engine::wait_limit limit, task_queue& ready) noexcept override {
        ++waits_;
        driver_->wait(limit, ready);
    }

    int waits() const { return waits_; }

private:
    std::unique_ptr<driver> driver_;
    std::atomic<int> waits_{0};
};

}  // namespace

TEST_CASE("threads come and go, stop and restart a shared loop, and each task runs once", "[engine][loop][stress]") {
    for (int round = 0; round < 4 * long_form(); ++round) {
        loop_harness l(threading::shared);
        census tasks(3000);
        std::atomic<bool> over{false};
        std::vector<std::thread> threads;
        for (unsigned i = 0; i != 3; ++i)
            threads.emplace_back([&, i] {
                numbers choose(i + 10u * static_cast<unsigned>(round));
                while (!over) {
                    switch (choose.below(6)) {
                    case 0: l.poll(); break;
                    case 1: l.poll_one(); break;
                    case 2: l.run_one(); break;
                    case 3: l.run_for(20us); break;
                    default: l.run(); break;
                    }
                    l->restart();
                }
            });
        std::thread stopper([&] {
            numbers choose(7);
            while (!over) {
                l->stop();
                for (unsigned n = choose.below(50); n != 0; --n)
                    std::this_thread::yield();
            }
        });
        // From outside as well as from inside.
        tasks.run(l, 0);
        while (!tasks.complete())
            std::this_thread::yield();
        over = true;
        stopper.join();
        l->stop();
        for (auto& t : threads) {
            l->stop();
            t.join();
        }
        CHECK(tasks.once_each());
    }
}

TEST_CASE("all threads that run a shared loop come back when its work is done", "[engine][loop][stress]") {
    for (int round = 0; round < 200 * long_form(); ++round) {
        loop_harness l(threading::shared);
        census tasks(40);
        l.post([&] { tasks.run(l, 0); });
        std::thread threads[3];
        for (auto& t : threads)
            t = std::thread([&] { l.run(); });
        for (auto& t : threads)
            t.join();
        CHECK(tasks.once_each());
        CHECK(l->stopped());
    }
}

TEST_CASE("all threads come back when another one gives up the last work", "[engine][loop][stress]") {
    for (int round = 0; round < 100 * long_form(); ++round) {
        loop_harness l(threading::shared);
        work_guard outside(*l);
        auto inside = std::make_shared<work_guard>(*l);
        l.post([inside] { inside->reset(); });
        std::thread threads[3];
        for (auto& t : threads)
            t = std::thread([&] { l.run(); });
        std::thread([&] { outside.reset(); }).join();
        for (auto& t : threads)
            t.join();
        CHECK(l->stopped());
    }
}

TEST_CASE("all threads come back after stop()", "[engine][loop][stress]") {
    for (int round = 0; round < 100 * long_form(); ++round) {
        loop_harness l(threading::shared);
        work_guard work(*l);
        std::atomic<int> inside{0};
        std::thread threads[4];
        for (auto& t : threads)
            t = std::thread([&] {
                ++inside;
                l.run();
            });
        for (int i = 0; i < round && inside != 4; ++i)
            std::this_thread::yield();
        l->stop();
        for (auto& t : threads)
            t.join();
        CHECK(l->stopped());
    }
}

TEST_CASE("what a thread that leaves a shared loop had before it, another one runs", "[engine][loop]") {
    loop_harness l(threading::shared);
    std::vector<int> order;
    for (int i = 0; i != 5; ++i)
        l.post([&, i] {
            order.push_back(i);
            if (i == 0)
                l.post([&] { order.push_back(5); });
            if (i == 2)
                throw std::runtime_error("passes through run()");
        });
    CHECK(l.run_one() == 1);
    CHECK_THROWS_AS(l.run(), std::runtime_error);
    std::size_t rest = 0;
    std::thread([&] { rest = l.run(); }).join();
    CHECK(rest == 3);
    CHECK(order == std::vector{0, 1, 2, 3, 4, 5});
}

TEST_CASE("tasks that a shared loop was never to run are destroyed with it, wherever they lie", "[engine][loop]") {
    auto token = std::make_shared<int>(0);
    {
        loop_harness l(threading::shared);
        for (int i = 0; i != 4; ++i)
            l.post([&l, token] {
                l.post([token] {});
                l->stop();
            });
        CHECK(l.run_one() == 1);  // what it posted is left by this thread
        l->restart();
        l.post([token] {});  // comes from outside
        CHECK(token.use_count() == 6);
    }
    CHECK(token.use_count() == 1);
}

TEST_CASE("a thread that sleeps is woken for what a task posts before it blocks", "[engine][loop]") {
    loop_harness l(threading::shared);
    work_guard work(*l);
    std::thread threads[2];
    for (auto& t : threads)
        t = std::thread([&] { l.run(); });
    std::atomic<bool> in_time{true};
    for (int round = 0; round != 30 && in_time; ++round) {
        std::atomic<bool> ran{false}, over{false};
        l.post([&] {
            for (int i = 0; i != 300; ++i)  // so that the other thread, most likely, has nothing to do any more
                std::this_thread::yield();
            l.post([&] { ran = true; });
            if (!soon([&] { return ran.load(); }))
                in_time = false;
            over = true;
        });
        while (!over || !ran)  // at the latest when the first task blocks no more
            std::this_thread::yield();
    }
    work.reset();
    for (auto& t : threads)
        t.join();
    CHECK(in_time);
}

TEST_CASE("a thread that is held up in a task lets others have what it has posted", "[engine][loop]") {
    loop_harness l(threading::shared);
    work_guard work(*l);
    std::atomic<int> ran{0};
    std::thread other([&] { l.run(); });
    constexpr int posted = 20;
    l.post([&] {
        for (int i = 0; i != posted; ++i)
            l.post([&] { ++ran; });
        while (ran != posted)  // ends by the other thread alone
            std::this_thread::yield();
        work.reset();
    });
    l.run();
    other.join();
    CHECK(ran == posted);
}

TEST_CASE("a thread that polls takes no wake-up away from one that waits", "[engine][loop]") {
    auto* d = new one_wakes_driver;
    loop_harness l(std::unique_ptr<rill::engine::driver>(d), threading::shared);
    work_guard work(*l);
    std::atomic<int> ran{0};
    std::thread waits([&] { l.run(); });
    CHECK(soon([&] { return d->waiting() == 1; }));
    d->hold(true);
    l.post([&] { ++ran; });  // wakes it, but it is slow
    CHECK(l.poll_one() == 1);
    CHECK(l.poll_one() == 0);  // looks at the driver
    d->hold(false);
    l.post([&] { ++ran; });
    CHECK(soon([&] { return ran == 2; }));
    l->stop();
    d->wake();  // or the test would hang where it fails
    waits.join();
}

TEST_CASE("a run() within run() that stop() ends passes the end on to other threads", "[engine][loop]") {
    auto* d = new one_wakes_driver;
    loop_harness l(std::unique_ptr<rill::engine::driver>(d), threading::shared);
    work_guard work(*l);
    std::atomic<bool> has_ended{false};
    bool ended_first = false;
    std::thread other;
    l.post([&] {
        other = std::thread([&] {
            l.run();
            has_ended = true;
        });
        soon([&] { return d->waiting() == 1; });
        std::thread stops([&] {
            soon([&] { return d->waiting() == 2; });
            l->stop();
        });
        l.run();
        stops.join();
        ended_first = soon([&] { return has_ended.load(); });
    });
    CHECK(l.run_one() == 1);
    other.join();
    CHECK(ended_first);
}

TEST_CASE("threads that wait for a timer do not keep each other awake", "[engine][loop][timer]") {
    rill::engine::driver_options options;
    options.use_timerfd = GENERATE(true, false);
    auto* d = new counting_driver(make_driver(rill::backend::best, threading::shared, options));
    loop_harness l(std::unique_ptr<rill::engine::driver>(d), threading::shared);
    rill::engine::timer_request last([](rill::engine::loop*, rill::engine::task&) {}, l->now() + 200ms);
    l->start(last);
    std::atomic<int> ran{0};
    std::thread threads[4];
    for (auto& t : threads)
        t = std::thread([&] { l.run(); });
    for (int i = 1; i != 10; ++i) {
        l.post([&] { ++ran; });
        CHECK(soon([&] { return ran == i || l->stopped(); }));
    }
    for (auto& t : threads)
        t.join();
    CHECK(d->waits() < 200);
}

TEST_CASE("a thread that finds nothing to do wakes nobody as it leaves", "[engine][loop]") {
    auto* d = new one_wakes_driver;
    loop_harness l(std::unique_ptr<rill::engine::driver>(d), threading::shared);
    work_guard work(*l);
    std::thread waits([&] { l.run(); });
    CHECK(soon([&] { return d->waiting() == 1; }));
    for (int i = 0; i != 10; ++i)
        CHECK(l.poll() == 0);
    CHECK(d->wakes() == 0);
    l->stop();
    waits.join();
}
