// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/memory.hpp>
#include <rill/engine/scheduler/loop.hpp>

#include RILL_SYSTEM(descriptor.hpp)

namespace rill::engine {

// -- who may touch a solo loop

RILL_DECL bool loop::runs_here() const noexcept {
    return solo() ? owner_.load(std::memory_order_relaxed) == this_thread_mark() : worker::here(*this) != nullptr;
}

RILL_DECL bool loop::borrow() noexcept {
    std::uintptr_t nobody = 0;
    return owner_.compare_exchange_strong(nobody, this_thread_mark() | 1, std::memory_order_acquire,
                                          std::memory_order_relaxed);
}

/// The thread inside run() of a solo loop.
class loop::solo_ownership {
public:
    explicit solo_ownership(loop& l) : loop_(l) {
        while (!l.owned_here()) {
            std::uintptr_t owner = 0;
            if (l.owner_.compare_exchange_weak(owner, this_thread_mark(), std::memory_order_acquire))
                break;
            if (owner != 0 && (owner & 1) == 0)
                throw_error(error::no_permission, "io_context: concurrency hint 1, and another thread is in run()");
            yield_thread();  // it is borrowed for a moment
        }
        ++l.depth_;
    }
    solo_ownership(const solo_ownership&) = delete;
    solo_ownership& operator=(const solo_ownership&) = delete;
    ~solo_ownership() {
        if (--loop_.depth_ == 0) {
            loop_.driver_->leave();
            loop_.give_back();
        }
    }

private:
    loop& loop_;
};

/// The right to call the driver and the timers from here: always in a shared loop; in a solo loop on its own thread, or
/// while nobody runs it. With it, what others have left in the inbox comes first, so that order is kept.
class loop::direct_access {
public:
    explicit direct_access(loop& l) noexcept : loop_(l) {
        if (!l.solo())
            return;
        if (!l.owned_here()) {
            borrowed_ = l.borrow();
            granted_ = borrowed_;
        }
        if (granted_)
            l.take_inbox();
    }
    direct_access(const direct_access&) = delete;
    direct_access& operator=(const direct_access&) = delete;
    ~direct_access() {
        if (borrowed_)
            loop_.give_back();
    }
    explicit operator bool() const noexcept { return granted_; }

private:
    loop& loop_;
    bool granted_ = true;
    bool borrowed_ = false;
};

// -- life

RILL_DECL loop::loop(std::unique_ptr<driver> d, threading t, void* context) noexcept
    : context_(context), threading_(t), driver_(std::move(d)) {}

RILL_DECL void loop::shut_down() noexcept {
    stopped_.store(true, std::memory_order_seq_cst);
    if (solo()) {
        // A signal on another thread may have borrowed it for a moment.
        while (!borrow()) {
            [[maybe_unused]] const std::uintptr_t owner = owner_.load(std::memory_order_relaxed);
            RILL_ASSERT(owner == 0 || (owner & 1) != 0);
            yield_thread();
        }
        ++depth_;
    }
    // Handlers and frames that are destroyed may post, cancel, or even start something: go on until all is quiet.
    for (bool quiet = false; !quiet;) {
        task_queue ended;
        if (solo())
            take_inbox();
        driver_->shut_down(ended);
        while (timer_group* g = groups_) {
            *g->owner = nullptr;
            free_group(*g, ended);
        }
        end_deadlines(ended);
        if (!solo()) {
            // TRICKY: after the driver and the timers. What a signal on another thread had taken from them by then is
            // in the inbox as soon as nobody is on the way there any more.
            while (cancelling_.load(std::memory_order_seq_cst) != 0)
                yield_thread();
            crew_.collect(ended);
        }
        queue_.splice(ended);
        quiet = queue_.empty();
        while (!queue_.empty()) {
            task& t = queue_.pop();
            if (solo())
                --local_work_;
            else
                foreign_work_.fetch_sub(1, std::memory_order_relaxed);
            t.run(nullptr, t);
        }
    }

    // What is left are guards and tracked executors that outlive the context. The lock: another thread may be about to
    // wake the driver, or have given up the last work but not be done yet.
    bool last;
    {
        scoped_lock lock(mutex_);
        driver_->blocks.let_go();
        driver_.reset();
        std::int64_t guards = local_work_;
        local_work_ = 0;
        owner_.store(0, std::memory_order_release);
        last = guards + foreign_work_.fetch_add(shut_down_mark + guards, std::memory_order_acq_rel) == 0;
    }
    if (last)
        delete this;
}

// What lies in the inbox stays there: until the driver of a new process is its own it must not be given anything.
RILL_DECL error_code loop::notify_fork(fork_event event) noexcept {
    RILL_ASSERT(!solo() || owned_here() || owner_.load(std::memory_order_relaxed) == 0);
    return driver_->notify_fork(event);
}

// -- running

RILL_DECL std::size_t loop::run(std::size_t most, time_point until) {
    return solo() ? run_solo(most, until) : run_shared(most, until);
}

RILL_DECL std::size_t loop::run_solo(std::size_t most, time_point until) {
    solo_ownership ownership(*this);
    const bool has_end = until != (time_point::max)() && until != (time_point::min)();
    std::size_t done = 0;
    while (done != most) {
        const bool has_task = !queue_.empty() && until_look_ != 0 && !stopped_.load(std::memory_order_relaxed);
        if (!has_task && !find_task_solo(until)) [[unlikely]]
            break;
        task& t = queue_.pop();
        --until_look_;
        --local_work_;
        ++done;
        t.run(this, t);
        if (has_end && is_over(until))
            break;
    }
    return done;
}

// Whether a run has reached its end, though there may be tasks. (Without end, max(), or a mere look, min(), it goes on.)
RILL_DECL bool loop::is_over(time_point until) const noexcept {
    return until != (time_point::max)() && until != (time_point::min)() && now() >= until;
}

// True: the queue has a task to run.
RILL_DECL bool loop::find_task_solo(time_point until) noexcept {
    for (;;) {
        if (stopped_.load(std::memory_order_relaxed))
            return false;
        take_inbox();
        if (queue_.empty() && !timers_.empty() && timers_.earliest() < told_)
            expire_timers(queue_);
        if (until_look_ != 0 && !queue_.empty())
            return true;
        until_look_ = turn_length;  // at least every so many tasks, whatever else there is to do
        if (!has_work()) {
            if (!inbox_.idle())
                continue;  // whoever gave up the last work had left something before
            if (depth_ == 1)
                stopped_.store(true, std::memory_order_seq_cst);
            return false;
        }
        bool look_only = !queue_.empty() || until == (time_point::min)();
        if (!look_only) {
            local_work_asleep_.store(local_work_, std::memory_order_relaxed);
            look_only = !inbox_.sleep();
        }
        if (look_only)
            driver_->wait(wait_limit::none(), queue_);
        else if (!stopped() && has_work())
            driver_->wait(wait_limit{false, told_ = next_deadline(until)}, queue_);
        take_inbox();
        expire_timers(queue_);
        if (queue_.empty() && until != (time_point::max)() && now() >= until)
            return false;
    }
}

RILL_DECL time_point loop::next_deadline(time_point until) noexcept {
    scoped_lock lock(solo() ? nullptr : &timers_mutex_);
    return !timers_.empty() && timers_.earliest() < until ? timers_.earliest() : until;
}

RILL_DECL void loop::expire_timers(task_queue& ready) noexcept {
    scoped_lock lock(solo() ? nullptr : &timers_mutex_);
    if (timers_.empty()) {
        told_ = (time_point::max)();
        return;
    }
    const time_point t = now();
    if (t >= told_)
        told_ = (time_point::max)();
    if (t >= timers_.earliest())
        timers_.expire(t, ready, turn_length);
}

// TRICKY: all under the lock. Once stopped_ is set another thread may end run() and destroy the context: shut_down()
// waits for the lock.
RILL_DECL void loop::stop() noexcept {
    scoped_lock lock(mutex_);
    stopped_.store(true, std::memory_order_seq_cst);
    if (!solo())
        crew_.wake_everyone(*driver_);
    else if (inbox_.sleeps())
        driver_->wake();
}

// -- tasks and work

RILL_DECL void loop::post(task& t) noexcept {
    RILL_ASSERT(t.arrives_as == message::run);
    if (!solo()) {
        post_shared(t);
    } else if (owned_here()) {
        ++local_work_;
        queue_.push(t);
    } else {
        push_inbox(t);
    }
}

RILL_DECL void loop::push_inbox(task& t) noexcept {
    if (inbox_.push_if_awake(t))
        return;
    // TRICKY: as soon as t is in there the loop may run it, end, and be destroyed: shut_down() waits for the lock.
    scoped_lock lock(mutex_);
    if (!inbox_.push(t))
        return;
    if (solo())
        driver_->wake();
    else
        crew_.wake_if_wanted(*driver_);
}

RILL_DECL void loop::take_arrived() noexcept {
    for (task* t = inbox_.take(); t;) {
        task& taken = *t;
        t = t->next;
        switch (taken.arrives_as) {
        case message::run:
            ++local_work_;
            queue_.push(taken);
            break;
        case message::start:
            ++local_work_;
            begin(static_cast<request&>(taken), queue_);
            break;
        case message::cancel: {
            auto& cancel = static_cast<cancel_message&>(taken);
            request& target = cancel.target;
            cancel.queued.store(false, std::memory_order_release);
            end(target, queue_);
            break;
        }
        case message::serve: taken.run(this, taken); break;
        }
    }
}

RILL_DECL void loop::work_started() noexcept {
    if (owned_here())
        ++local_work_;
    else if (worker* me = solo() ? nullptr : worker::here(*this))
        ++me->work;
    else
        foreign_work_.fetch_add(1, std::memory_order_relaxed);
}

RILL_DECL void loop::work_finished() noexcept {
    if (owned_here()) {
        --local_work_;
        return;
    }
    if (worker* me = solo() ? nullptr : worker::here(*this)) {
        --me->work;
        return;
    }
    std::int64_t work = foreign_work_.load(std::memory_order_relaxed);
    while (!solo() && work > 1 && work != shut_down_mark + 1)
        if (foreign_work_.compare_exchange_weak(work, work - 1, std::memory_order_seq_cst, std::memory_order_relaxed))
            return;  // not the last
    // TRICKY: without work the loop may end, and be destroyed, at once: shut_down() waits for the lock.
    scoped_lock lock(mutex_);
    std::int64_t left = foreign_work_.fetch_sub(1, std::memory_order_seq_cst) - 1;
    if (left == shut_down_mark) {
        lock.unlock();
        delete this;
    } else if (left > shut_down_mark / 2) {
        return;  // shut down, and not the last
    } else if (!solo()) {
        if (left == 0 && crew_.awake() == 0)
            crew_.wake_everyone(*driver_);  // who wakes first finds that it is the end
    } else if (inbox_.sleeps() && left + local_work_asleep_.load(std::memory_order_relaxed) <= 0) {
        driver_->wake();
    }
}

// -- requests

RILL_INLINE void loop::begin(request& q, task_queue& ready) noexcept {
    if (q.state == request_state::answered)
        ready.push(q);
    else if (q.kind == request_kind::wait_until)
        begin_wait(static_cast<timer_request&>(q), ready);
    else
        driver_->start(q, ready);
}

RILL_DECL void loop::begin_wait(timer_request& wait, task_queue& ready) noexcept {
    scoped_lock lock(solo() ? nullptr : &timers_mutex_);
    if (wait.cancelled) {
        wait.answer(error::operation_aborted);
        ready.push(wait);
    } else if (timers_.add(wait) && !solo()) {
        scoped_lock sleepers(mutex_);
        if (crew_.anyone_in_driver())
            driver_->expect(wait.due);
    }
}

RILL_DECL void loop::end(request& q, task_queue& ready) noexcept {
    if (q.kind != request_kind::wait_until) {
        driver_->cancel(q, ready);
        return;
    }
    auto& wait = static_cast<timer_request&>(q);
    scoped_lock lock(solo() ? nullptr : &timers_mutex_);
    if (wait.state == request_state::created) {
        wait.cancelled = true;
    } else if (wait.state == request_state::waiting) {
        timers_.remove(wait);
        wait.answer(error::operation_aborted);
        ready.push(wait);
    }
}

RILL_DECL void loop::deliver(task_queue& ready) noexcept {
    if (ready.empty())
        return;
    if (solo()) {
        queue_.splice(ready);
    } else if (worker* me = worker::here(*this)) {
        push(*me, ready);
    } else {
        while (!ready.empty())
            push_inbox(ready.pop());
    }
}

// Counted first: in a shared loop another thread may deliver the request before this call returns.
RILL_DECL void loop::start_now(request& q, task_queue& ready) noexcept {
    if (solo() && !owned_here()) {
        push_inbox(q);
        return;
    }
    if (solo())
        take_inbox();
    work_started();
    begin(q, ready);
}

RILL_DECL void loop::start(request& q) noexcept {
    if (owned_here() && inbox_.idle()) [[likely]] {
        ++local_work_;
        begin(q, queue_);
    } else {
        start_elsewhere(q);
    }
}

RILL_DECL void loop::start_elsewhere(request& q) noexcept {
    task_queue ready;
    start_now(q, ready);
    deliver(ready);
}

RILL_DECL bool loop::start_or_answer(request& q) noexcept {
    q.wanted_now = true;
    task_queue ready;
    start_now(q, ready);
    if (ready.empty())
        return false;
    RILL_ASSERT(ready.front() == &q);
    return true;
}

RILL_DECL void loop::cancel(cancel_message& m) noexcept {
    task_queue ready;
    if (solo()) {
        direct_access direct(*this);  // what arrives from here on is not for this request, if that can be helped
        if (direct) {
            end(m.target, ready);
            deliver(ready);
        } else if (!m.queued.exchange(true, std::memory_order_acq_rel)) {
            push_inbox(m);
        }
        return;
    }
    // The loop may be about to shut down, and waits for this: the request's operation keeps it until then.
    cancelling_.fetch_add(1, std::memory_order_seq_cst);
    end(m.target, ready);
    deliver(ready);
    cancelling_.fetch_sub(1, std::memory_order_seq_cst);
}

RILL_DECL void loop::take_back(cancel_message& m) noexcept {
    if (m.queued.load(std::memory_order_acquire))
        take_inbox();
    RILL_ASSERT(!m.queued.load(std::memory_order_relaxed));
}

RILL_DECL bool loop::withdraw(timer_request& wait) noexcept {
    if (!within_reach())
        return false;
    if (solo())
        take_inbox();  // it may be there, started by another thread
    {
        scoped_lock lock(solo() ? nullptr : &timers_mutex_);
        if (wait.state != request_state::waiting)
            return false;
        timers_.remove(wait);
        wait.state = request_state::created;
    }
    if (solo())
        --local_work_;
    else
        work_finished();
    return true;
}

// -- handles

RILL_DECL registration* loop::attach(native_handle handle, registration** owner, error_code& ec) noexcept {
    registration* r = driver_->attach(handle, ec);
    if (r)
        r->owner = owner;
    return r;
}

RILL_DECL registration* loop::attach_other(native_handle handle, handle_kind kind, registration** owner,
                                           error_code& ec) noexcept {
    registration* r = driver_->attach_other(handle, kind, ec);
    if (r)
        r->owner = owner;
    return r;
}

RILL_DECL error_code loop::close(registration& r) noexcept {
    direct_access direct(*this);
    if (!direct) {
        r.owner = nullptr;
        r.closing.store(true, std::memory_order_release);
        r.run = &serve_close;
        driver_->abandon(r);  // the peer sees the end, and the port is free, before this call returns
        push_inbox(r);
        return error_code();
    }
    native_handle handle = r.handle;
    task_queue ended;
    driver_->detach(r, true, ended);
    deliver(ended);
    return system::close(handle);
}

RILL_DECL void loop::serve_close(loop* owner, task& message) noexcept {
    auto& r = static_cast<registration&>(message);
    native_handle handle = r.handle;
    owner->driver_->detach(r, true, owner->queue_);
    system::close(handle);
}

RILL_DECL error_code loop::release(registration& r) noexcept {
    direct_access direct(*this);
    if (!direct)
        return error::operation_not_supported;
    task_queue ended;
    driver_->detach(r, false, ended);
    deliver(ended);
    return error_code();
}

struct loop::posted_cancel : service_message {
    explicit posted_cancel(registration& r) noexcept : service_message(&serve_cancel_all), target(r) {}
    registration& target;
};

RILL_DECL error_code loop::cancel_all(registration& r) noexcept {
    direct_access direct(*this);
    if (!direct) {
        try {
            push_inbox(*::new (allocate(sizeof(posted_cancel))) posted_cancel(r));
        } catch (const std::bad_alloc&) {
            return error::no_memory;
        }
        return error_code();
    }
    task_queue ended;
    driver_->cancel_all(r, ended);
    deliver(ended);
    return error_code();
}

RILL_DECL void loop::serve_cancel_all(loop* owner, task& message) noexcept {
    auto& cancel = static_cast<posted_cancel&>(message);
    owner->driver_->cancel_all(cancel.target, owner->queue_);
    deallocate(&cancel, sizeof(posted_cancel));
}

struct loop::posted_take_ahead : service_message {
    posted_take_ahead(registration& r, request_kind w) noexcept
        : service_message(&serve_take_ahead), target(r), what(w) {}
    registration& target;
    request_kind what;
};

RILL_DECL void loop::take_ahead(registration& r, request_kind what) noexcept {
    direct_access direct(*this);
    if (direct)
        return driver_->take_ahead(r, what);
    try {
        push_inbox(*::new (allocate(sizeof(posted_take_ahead))) posted_take_ahead(r, what));
    } catch (const std::bad_alloc&) {
        // It is a wish.
    }
}

RILL_DECL void loop::serve_take_ahead(loop* owner, task& message) noexcept {
    auto& wish = static_cast<posted_take_ahead&>(message);
    owner->driver_->take_ahead(wish.target, wish.what);
    deallocate(&wish, sizeof(posted_take_ahead));
}

// -- timers

RILL_DECL timer_group* loop::add_group(timer_group** owner) noexcept {
    void* memory;
    try {
        memory = allocate(sizeof(timer_group));
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
    auto* g = ::new (memory) timer_group(&serve_remove_group, owner);
    scoped_lock lock(groups_mutex_);
    g->groups_next = groups_;
    if (groups_)
        groups_->groups_before = g;
    groups_ = g;
    return g;
}

RILL_DECL std::size_t loop::end_waits(timer_group& g, std::size_t most, task_queue& ended) noexcept {
    std::size_t n = 0;
    scoped_lock lock(solo() ? nullptr : &timers_mutex_);
    for (; n != most && g.first; ++n) {
        timer_request& wait = *g.first;
        timers_.remove(wait);
        wait.answer(error::operation_aborted);
        ended.push(wait);
    }
    return n;
}

RILL_DECL void loop::free_group(timer_group& g, task_queue& ended) noexcept {
    end_waits(g, static_cast<std::size_t>(-1), ended);
    {
        scoped_lock lock(groups_mutex_);
        (g.groups_before ? g.groups_before->groups_next : groups_) = g.groups_next;
        if (g.groups_next)
            g.groups_next->groups_before = g.groups_before;
    }
    deallocate(&g, sizeof(timer_group));
}

// The waits that are left belong to no group.
RILL_DECL void loop::end_deadlines(task_queue& ended) noexcept {
    scoped_lock lock(solo() ? nullptr : &timers_mutex_);
    timers_.expire((time_point::max)(), ended, static_cast<std::size_t>(-1));
}

struct loop::posted_cancel_waits : service_message {
    posted_cancel_waits(timer_group& g, std::size_t n) noexcept
        : service_message(&serve_cancel_waits), group(g), most(n) {}
    timer_group& group;
    std::size_t most;
};

RILL_DECL std::size_t loop::cancel_waits(timer_group& g, std::size_t most) noexcept {
    direct_access direct(*this);
    if (!direct) {
        try {
            push_inbox(*::new (allocate(sizeof(posted_cancel_waits))) posted_cancel_waits(g, most));
        } catch (const std::bad_alloc&) {
            // Nothing is lost but the cancellation: the waits end when they are due.
        }
        return 0;
    }
    task_queue ended;
    std::size_t n = end_waits(g, most, ended);
    deliver(ended);
    return n;
}

RILL_DECL void loop::serve_cancel_waits(loop* owner, task& message) noexcept {
    auto& cancel = static_cast<posted_cancel_waits&>(message);
    owner->end_waits(cancel.group, cancel.most, owner->queue_);
    deallocate(&cancel, sizeof(posted_cancel_waits));
}

RILL_DECL void loop::remove_group(timer_group& g) noexcept {
    direct_access direct(*this);
    if (!direct) {
        push_inbox(g);
        return;
    }
    task_queue ended;
    free_group(g, ended);
    deliver(ended);
}

RILL_DECL void loop::serve_remove_group(loop* owner, task& message) noexcept {
    owner->free_group(static_cast<timer_group&>(message), owner->queue_);
}

}  // namespace rill::engine

#include <rill/engine/scheduler/loop_shared.ipp>
