// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/spin_lock.hpp>
#include <rill/engine/request/task.hpp>

#include <cstdint>

namespace rill::engine {

/// A thread inside run() of a shared loop, with the tasks that it runs next; it lies on that thread's stack. Other
/// threads take of its tasks when they have none: also those of a thread that a task holds up.
class worker {
public:
    explicit worker(const loop& l) noexcept : loop_(&l), below_(top_) { top_ = this; }
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;
    ~worker() {
        RILL_ASSERT(top_ == this && queue_.empty());
        top_ = below_;
    }

    /// What this thread is in @p l; null if it is not inside run().
    static worker* here(const loop& l) noexcept {
        worker* w = top_;
        while (w && w->loop_ != &l)
            w = w->below_;
        return w;
    }

    void push(task& t) noexcept {
        spin_guard guard(lock_);
        queue_.push(t);
    }
    void push(task_queue& tasks) noexcept {
        spin_guard guard(lock_);
        queue_.splice(tasks);
    }
    task* pop() noexcept {
        spin_guard guard(lock_);
        return queue_.empty() ? nullptr : &queue_.pop();
    }
    bool empty() noexcept {
        spin_guard guard(lock_);
        return queue_.empty();
    }

    /// Gives the oldest tasks away: half, as far as it looks.
    void share(task_queue& to) noexcept {
        spin_guard guard(lock_);
        unsigned n = 0;
        for (task* t = queue_.front(); t && n != 2 * most_shared; t = t->next)
            ++n;
        for (n = (n + 1) / 2; n != 0; --n)
            to.push(queue_.pop());
    }
    void share_all(task_queue& to) noexcept {
        spin_guard guard(lock_);
        to.splice(queue_);
    }

    // Its own thread's.
    std::int64_t work = 0;    ///< begun, less what is done, and not told to the loop yet
    unsigned until_look = 0;  ///< tasks to run before it looks at the driver

    // The crew's, under its mutex.
    bool searches = false;
    worker* next = nullptr;
    worker* before = nullptr;

private:
    static constexpr unsigned most_shared = 16;

    const loop* loop_;
    worker* below_;
    spin_lock lock_;
    task_queue queue_;  // lock_

    static inline constinit thread_local worker* top_ = nullptr;
};

}  // namespace rill::engine
