// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/driver.hpp>
#include <rill/engine/scheduler/inbox.hpp>
#include <rill/engine/scheduler/worker.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <atomic>

namespace rill::engine {

/// The threads inside run() of a shared loop: where tasks lie, who sleeps, and who is woken.
///
/// A task lies with a worker, which pushes there what its thread adds; in the inbox, if another thread added it; or, if
/// the worker that had it has left run(), in `left_`. A thread that has none of its own searches in all of these, and
/// then waits, in the driver or for `wake_up_`.
///
/// Whoever adds a task must wake a thread if one waits, unless one already searches: that one will find it, or a later
/// one, and then sees to it that there is another to find the rest. That is the meaning of `wanted_` and of the
/// inbox's `asleep`, which are one bit in two places, so that each is seen where it is looked for: some thread waits,
/// and none searches. Both are written with the mutex held.
///
/// No wake-up is lost. Consider the last thread that ceased to search before, or while, task t was added: it is
/// followed by no other, so the bit stays as it leaves it. It holds the mutex, sets the bit if some thread waits, and
/// then looks at every place where a task can lie (announce()).
/// - t comes to the inbox: setting `asleep` and pushing are compare-and-exchanges on one word. If the push is first, the
///   former fails and t is found; if not, the push meets `asleep`, and wakes.
/// - t comes to a worker: both the pushing and that look take the worker's lock. If the push is first, t is found. If the
///   look is first, then `wanted_` was set before its unlocking, which the push's locking follows; so what the pusher
///   reads after pushing is true, or what a yet later change made of it, and there was none.
/// - t comes to left_: with the mutex held.
/// What is found so is taken by the thread itself, if it was about to wait, or else it wakes one that waits. If nobody
/// waits, nothing is set: the next thread that is about to wait looks first.
///
/// A wake-up is under way from the moment that it is decided on until any thread returns from its wait, whatever ended
/// that, or from a look at the driver. So there is never more than one, and one that the driver gave to a thread which was
/// just returning, or only looked, is not lost: that thread searches.
///
/// All functions: with the mutex held, except where it says otherwise.
class crew {
public:
    crew(mutex& m, inbox& arrived) noexcept : mutex_(m), arrived_(arrived) {}
    crew(const crew&) = delete;
    crew& operator=(const crew&) = delete;

    /// Whether somebody must be woken when a task has been pushed to a worker. Without the mutex, by that worker's thread.
    bool wanted() const noexcept { return wanted_.load(std::memory_order_relaxed); }

    /// Wakes a thread, if that is still wanted.
    void wake_if_wanted(driver& d) noexcept {
        if (wanted())
            wake_one(d);
    }

    void enter(worker& w) noexcept;

    /// What @p w still has is left to the others.
    void leave(worker& w, driver& d) noexcept;

    /// Gives @p w tasks that lie elsewhere, if there are any. It searches from here on, until found() or begin_wait().
    bool search(worker& w) noexcept;

    /// @p w, which has taken the first of its tasks, searches no more.
    void found(worker& w, driver& d) noexcept;

    enum class place { none, driver, queue };

    /// Where @p w may wait. @p look_only: none, unless it may be in the driver.
    place where_to_wait(const driver& d, bool look_only) const noexcept {
        if (in_driver_ == 0 || d.many_may_wait())
            return place::driver;
        return look_only ? place::none : place::queue;
    }

    /// @p w, which searches, is about to wait at @p p. False: there is something to search for.
    bool begin_wait(worker& w, place p) noexcept;
    void end_wait(worker& w, place p) noexcept;

    /// @p w looks at what the driver has, without waiting. It searches from here on, as in search().
    void begin_look(worker& w) noexcept {
        begin_search(w);
        ++in_driver_;
    }
    void end_look() noexcept {
        --in_driver_;
        wake_up_is_over();
    }

    /// For place::queue.
    void wait(time_point until) noexcept {
        if (until == (time_point::max)())
            wake_up_.wait(mutex_);
        else
            wake_up_.wait_until(mutex_, until);
    }

    /// Wakes all that wait in the queue, and one of those in the driver; leave() passes that on.
    void wake_everyone(driver& d) noexcept;

    bool anyone_in_driver() const noexcept { return in_driver_ != 0; }
    unsigned awake() const noexcept { return awake_; }

    /// All that still lies anywhere, when nobody is inside run() any more. Without the mutex: it takes it.
    void collect(task_queue& to) noexcept;

private:
    void begin_search(worker& w) noexcept;
    void take_unowned(task_queue& to) noexcept;
    void wake_one(driver& d) noexcept;
    bool announce() noexcept;
    void withdraw() noexcept;
    // In a thread that searches and is counted as such: it may have been given a wake-up that was meant for another.
    void wake_up_is_over() noexcept {
        if (wake_under_way_) {
            wake_under_way_ = false;
            --searching_;
        }
    }
    bool anything_queued() noexcept;
    unsigned waiting() const noexcept { return waiting_in_driver_ + waiting_in_queue_; }

    mutex& mutex_;
    inbox& arrived_;
    std::atomic<bool> wanted_{false};
    bool wake_under_way_ = false;
    unsigned awake_ = 0;      // threads inside run() that do not wait
    unsigned searching_ = 0;  // of these, those that search; and a wake-up that is under way
    unsigned waiting_in_driver_ = 0;
    unsigned waiting_in_queue_ = 0;
    unsigned in_driver_ = 0;  // threads that wait or look there
    worker* first_ = nullptr;
    task_queue left_;
    condition wake_up_;
};

}  // namespace rill::engine

#include RILL_BODY(crew.ipp)
