// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/scheduler/crew.hpp>

namespace rill::engine {

RILL_DECL void crew::enter(worker& w) noexcept {
    ++awake_;
    w.next = first_;
    if (first_)
        first_->before = &w;
    first_ = &w;
}

RILL_DECL void crew::leave(worker& w, driver& d) noexcept {
    task_queue rest;
    w.share_all(rest);
    rest.splice(left_);  // in front of what others left: those were added later, or it does not matter
    left_.splice(rest);
    (w.before ? w.before->next : first_) = w.next;
    if (w.next)
        w.next->before = w.before;
    --awake_;
    found(w, d);
}

RILL_DECL void crew::begin_search(worker& w) noexcept {
    if (w.searches)
        return;
    w.searches = true;
    ++searching_;
    withdraw();
}

RILL_DECL void crew::take_unowned(task_queue& to) noexcept {
    to.splice(left_);
    for (task* t = arrived_.take_tasks(); t;) {
        task& taken = *t;
        t = t->next;
        to.push(taken);
    }
}

RILL_DECL void crew::collect(task_queue& to) noexcept {
    scoped_lock lock(mutex_);  // a signal may still be emitted on another thread
    RILL_ASSERT(!first_);
    take_unowned(to);
}

RILL_DECL bool crew::search(worker& w) noexcept {
    begin_search(w);
    task_queue tasks;
    take_unowned(tasks);
    for (worker* other = first_; other && tasks.empty(); other = other->next)
        if (other != &w)
            other->share(tasks);
    if (tasks.empty())
        return false;
    w.push(tasks);
    return true;
}

RILL_DECL void crew::found(worker& w, driver& d) noexcept {
    if (w.searches) {
        w.searches = false;
        --searching_;
    }
    if (searching_ == 0 && waiting() != 0 && !announce())
        wake_one(d);
}

RILL_DECL bool crew::begin_wait(worker& w, place p) noexcept {
    RILL_ASSERT(w.searches && !wanted());
    ++(p == place::driver ? waiting_in_driver_ : waiting_in_queue_);
    if (p == place::driver)
        ++in_driver_;
    --awake_;
    --searching_;
    w.searches = false;
    if (searching_ != 0 || announce())
        return true;
    end_wait(w, p);
    return false;
}

RILL_DECL void crew::end_wait(worker& w, place p) noexcept {
    --(p == place::driver ? waiting_in_driver_ : waiting_in_queue_);
    if (p == place::driver)
        --in_driver_;
    ++awake_;
    ++searching_;
    w.searches = true;
    wake_up_is_over();
    withdraw();
}

// Some thread waits and none searches. False: there is something to search for, and nothing is announced.
RILL_DECL bool crew::announce() noexcept {
    const bool was_announced = wanted();  // then the inbox is asleep already
    wanted_.store(true, std::memory_order_relaxed);
    // TRICKY: first the announcement, then the look; see above. A driver in which nobody waits is something, too.
    if ((was_announced || arrived_.sleep()) && !anything_queued() && in_driver_ != 0)
        return true;
    withdraw();
    return false;
}

RILL_DECL void crew::withdraw() noexcept {
    if (!wanted())
        return;
    wanted_.store(false, std::memory_order_relaxed);
    arrived_.end_sleep();
}

RILL_DECL bool crew::anything_queued() noexcept {
    if (!left_.empty())
        return true;
    for (worker* w = first_; w; w = w->next)
        if (!w->empty())
            return true;
    return false;
}

RILL_DECL void crew::wake_one(driver& d) noexcept {
    RILL_ASSERT(searching_ == 0 && waiting() != 0 && !wake_under_way_);
    ++searching_;
    wake_under_way_ = true;
    withdraw();
    if (waiting_in_queue_ != 0)
        wake_up_.notify_one();
    else
        d.wake();
}

RILL_DECL void crew::wake_everyone(driver& d) noexcept {
    wake_up_.notify_all();
    if (waiting_in_driver_ != 0)
        d.wake();
}

}  // namespace rill::engine
