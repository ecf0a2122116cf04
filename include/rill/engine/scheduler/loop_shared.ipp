// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/scheduler/loop.hpp>

// How the threads of a shared loop run: see crew.

namespace rill::engine {

RILL_DECL std::size_t loop::run_shared(std::size_t most, time_point until) {
    if (worker* outer = worker::here(*this)) {
        const std::size_t done = run_as(*outer, most, until);
        if (stopped())
            wake_everyone();  // now, and not when this thread leaves: the task that it is in may wait for the others
        return done;
    }
    struct member {
        explicit member(loop& l) noexcept : of(l), me(l) {
            scoped_lock lock(of.mutex_);
            of.crew_.enter(me);
        }
        ~member() {
            scoped_lock lock(of.mutex_);
            of.settle(me);
            of.crew_.leave(me, *of.driver_);
            // The end is passed on from one thread to the next; also an end that only this thread can know of.
            if (of.stopped() || (of.crew_.awake() == 0 && of.foreign_work_.load(std::memory_order_seq_cst) == 0))
                of.crew_.wake_everyone(*of.driver_);
        }
        loop& of;
        worker me;
    };
    member here(*this);
    return run_as(here.me, most, until);
}

RILL_DECL std::size_t loop::run_as(worker& me, std::size_t most, time_point until) {
    struct done_with_one {
        worker& by;
        ~done_with_one() { --by.work; }
    };
    const bool has_end = until != (time_point::max)() && until != (time_point::min)();
    std::size_t done = 0;
    while (done != most) {
        task* t = find_task_shared(me, until);
        if (!t)
            break;
        ++done;
        {
            done_with_one when_it_returns{me};
            t->run(this, *t);
        }
        if (has_end && is_over(until))
            break;
    }
    return done;
}

RILL_DECL void loop::settle(worker& me) noexcept {
    if (me.work != 0)
        foreign_work_.fetch_add(std::exchange(me.work, 0), std::memory_order_seq_cst);
}

RILL_DECL void loop::wake_if_wanted() noexcept {
    scoped_lock lock(mutex_);
    crew_.wake_if_wanted(*driver_);
}

RILL_DECL void loop::wake_everyone() noexcept {
    scoped_lock lock(mutex_);
    crew_.wake_everyone(*driver_);
}

RILL_DECL void loop::post_shared(task& t) noexcept {
    worker* me = worker::here(*this);
    if (!me) {
        foreign_work_.fetch_add(1, std::memory_order_relaxed);
        push_inbox(t);
        return;
    }
    ++me->work;
    me->push(t);
    if (crew_.wanted())
        wake_if_wanted();
}

RILL_DECL void loop::push(worker& me, task_queue& ready) noexcept {
    if (ready.empty())
        return;
    me.push(ready);
    if (crew_.wanted())
        wake_if_wanted();
}

// A task of its own, first; then others'; then what the driver has; and then it waits. As long as it has some of its own
// it looks elsewhere once in a turn only. Null: the run is over.
RILL_DECL task* loop::find_task_shared(worker& me, time_point until) noexcept {
    if (stopped_.load(std::memory_order_relaxed))
        return nullptr;
    if (me.until_look != 0) [[likely]] {
        if (task* t = me.pop()) {
            --me.until_look;
            return t;
        }
    }
    scoped_lock lock(mutex_);
    task* t = nullptr;
    for (bool over = false; !over && !stopped_.load(std::memory_order_relaxed);) {
        if (inbox_.has_tasks() || me.empty())
            crew_.search(me);
        t = me.until_look != 0 ? me.pop() : nullptr;
        if (t) {
            --me.until_look;
            break;
        }
        me.until_look = turn_length;
        settle(me);
        if (me.empty() && crew_.awake() == 1 && foreign_work_.load(std::memory_order_seq_cst) == 0) {
            stopped_.store(true, std::memory_order_seq_cst);
            crew_.wake_everyone(*driver_);
            break;
        }
        over = !wait_shared(me, until, lock);
    }
    crew_.found(me, *driver_);
    return t;
}

// Waits, or looks if there is something to do. False: there is nothing to do, and no time to wait, or that is over.
RILL_DECL bool loop::wait_shared(worker& me, time_point until, scoped_lock& lock) noexcept {
    const bool has_tasks = !me.empty();
    if (has_tasks && crew_.anyone_in_driver())
        return true;
    const bool look_only = has_tasks || until == (time_point::min)();
    const crew::place p = crew_.where_to_wait(*driver_, look_only);
    if (p == crew::place::none)
        return false;
    if (look_only)
        crew_.begin_look(me);
    else if (!crew_.begin_wait(me, p))
        return true;

    if (p == crew::place::queue) {
        crew_.wait(until);
        crew_.end_wait(me, p);
    } else {
        lock.unlock();
        task_queue ready;
        expire_timers(ready);
        if (look_only || !ready.empty())
            driver_->wait(wait_limit::none(), ready);
        else if (driver_->many_may_wait())
            driver_->wait(wait_limit{false, next_deadline((time_point::max)()), until}, ready);
        else
            driver_->wait(wait_limit{false, next_deadline(until)}, ready);
        expire_timers(ready);
        me.push(ready);
        const time_point next = next_deadline((time_point::max)());
        lock.lock();
        if (look_only)
            crew_.end_look();
        else
            crew_.end_wait(me, p);
        if (next != (time_point::max)() && crew_.anyone_in_driver())
            driver_->expect(next);  // this thread, which may have been the one to return for it, has other things to do
    }
    return !me.empty() || until == (time_point::max)() || stopped() || now() < until;
}

}  // namespace rill::engine
