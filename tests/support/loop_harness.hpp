// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/make_driver.hpp>
#include <rill/engine/scheduler/loop.hpp>

#include <functional>
#include <memory>
#include <utility>

/// A loop as its context holds it, and functions as tasks.
class loop_harness {
public:
    using loop = rill::engine::loop;
    using task = rill::engine::task;
    using threading = rill::engine::threading;

    explicit loop_harness(threading t) : loop_harness(rill::engine::make_driver(rill::backend::best, t), t) {}
    loop_harness(std::unique_ptr<rill::engine::driver> d, threading t) : loop_(new loop(std::move(d), t, this)) {}
    loop_harness(const loop_harness&) = delete;
    ~loop_harness() { shut_down(); }

    void shut_down() {
        if (loop* l = std::exchange(loop_, nullptr))
            l->shut_down();
    }

    loop* operator->() const { return loop_; }
    loop& operator*() const { return *loop_; }

    void post(std::function<void()> f) { loop_->post(*new function_task(std::move(f))); }

    std::size_t run() { return loop_->run(no_limit, rill::engine::time_point::max()); }
    std::size_t run_one() { return loop_->run(1, rill::engine::time_point::max()); }
    std::size_t poll() { return loop_->run(no_limit, rill::engine::time_point::min()); }
    std::size_t poll_one() { return loop_->run(1, rill::engine::time_point::min()); }
    std::size_t run_for(std::chrono::nanoseconds d) { return loop_->run(no_limit, loop_->now() + d); }

private:
    static constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

    struct function_task final : task {
        explicit function_task(std::function<void()> f) : task(&deliver), function(std::move(f)) {}
        static void deliver(loop* owner, task& self) {
            const std::unique_ptr<function_task> t(&static_cast<function_task&>(self));
            if (owner)
                t->function();
        }
        std::function<void()> function;
    };

    loop* loop_;
};

/// One piece of work that a loop waits for.
class work_guard {
public:
    explicit work_guard(rill::engine::loop& l) : loop_(&l) { loop_->work_started(); }
    work_guard(work_guard&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)) {}
    ~work_guard() { reset(); }
    void reset() {
        if (auto* l = std::exchange(loop_, nullptr))
            l->work_finished();
    }

private:
    rill::engine::loop* loop_;
};
