// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/driver.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>

/// A driver without handles whose clock the test sets. Waiting for a deadline takes no time: the clock is then there.
/// With no deadline it waits for wake().
class manual_driver final : public rill::engine::driver {
public:
    using time_point = rill::engine::time_point;
    using request = rill::engine::request;
    using registration = rill::engine::registration;
    using task_queue = rill::engine::task_queue;

    const char* name() const noexcept override { return "manual"; }

    registration* attach(rill::engine::native_handle, rill::error_code& ec) noexcept override {
        ec = rill::error::operation_not_supported;
        return nullptr;
    }
    void detach(registration&, bool, task_queue&) noexcept override {}
    void start(request& q, task_queue& ready) noexcept override {
        q.answer(rill::error::operation_not_supported);
        ready.push(q);
    }
    void cancel(request&, task_queue&) noexcept override {}
    void cancel_all(registration&, task_queue&) noexcept override {}

    void wait(rill::engine::wait_limit limit, task_queue&) noexcept override {
        ++waits_;
        if (limit.look_only)
            return;
        std::unique_lock lock(mutex_);
        if (limit.deadline == time_point::max())
            woken_up_.wait(lock, [this] { return woken_; });
        if (!std::exchange(woken_, false) && limit.deadline > now())
            set_time(limit.deadline);
    }

    void wake() noexcept override {
        const std::lock_guard lock(mutex_);
        woken_ = true;
        woken_up_.notify_one();
    }

    time_point now() const noexcept override { return time_point(time_point::duration(now_.load())); }
    void shut_down(task_queue&) noexcept override {}

    void set_time(time_point t) noexcept { now_ = t.time_since_epoch().count(); }
    void advance(time_point::duration d) noexcept { now_ += d.count(); }
    int waits() const noexcept { return waits_; }

private:
    std::atomic<time_point::rep> now_{1'000'000'000};
    std::atomic<int> waits_{0};
    std::mutex mutex_;
    std::condition_variable woken_up_;
    bool woken_ = false;
};
