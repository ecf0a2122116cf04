// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/request/task.hpp>

#include <utility>

namespace rill::engine {

/// Tells a task that it runs, but not from a loop: it only asks whether it is to run, never where.
inline loop* outside_any_loop() noexcept {
    static constexpr char outside = 0;
    return const_cast<loop*>(reinterpret_cast<const loop*>(&outside));
}

/// A task as a function without arguments, for executors that know nothing of tasks. Destroyed uncalled, it destroys
/// the task.
class owned_task {
public:
    explicit owned_task(task& t) noexcept : task_(&t) {}
    owned_task(owned_task&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
    owned_task& operator=(owned_task&&) = delete;
    ~owned_task() {
        if (task_)
            task_->run(nullptr, *task_);
    }

    void operator()() {
        task& t = release();
        t.run(outside_any_loop(), t);
    }

    task& release() noexcept { return *std::exchange(task_, nullptr); }

private:
    task* task_;
};

}  // namespace rill::engine
