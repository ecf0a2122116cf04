// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/reactor.hpp>

namespace rill::engine {

RILL_DECL registration* reactor::attach(native_handle handle, error_code& ec) noexcept {
    entry* r;
    {
        scoped_lock lock(entries_mutex_);
        if (!free_) {
            chunk* c = new (std::nothrow) chunk;
            if (!c) {
                ec = error::no_memory;
                return nullptr;
            }
            c->next = chunks_;
            chunks_ = c;
            for (entry& e : c->entries) {
                e.next_free = free_;
                free_ = &e;
            }
        }
        r = free_;
        free_ = r->next_free;
    }
    {
        scoped_lock lock(lock_of(*r));
        r->handle = handle;
        r->may_succeed[0] = r->may_succeed[1] = r->may_succeed[2] = true;
        r->unusual = r->listens = false;
        r->armed = 0;
        r->closing.store(false, std::memory_order_relaxed);
    }
    if (poller_->add(*r, ec))
        return r;
    {
        scoped_lock lock(lock_of(*r));
        r->handle = no_handle;
    }
    scoped_lock lock(entries_mutex_);
    r->next_free = free_;
    free_ = r;
    return nullptr;
}

RILL_DECL void reactor::detach(registration& base, bool closing, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(base);
    {
        scoped_lock lock(lock_of(r));
        end_all(r, ready);
        poller_->remove(r, closing);
        r.handle = no_handle;
        r.owner = nullptr;
    }
    scoped_lock lock(entries_mutex_);
    r.next_free = free_;
    free_ = &r;
}

RILL_DECL void reactor::abandon(registration& base) noexcept {
    auto& r = static_cast<entry&>(base);
    scoped_lock lock(&r.lock);
    poller_->abandon(r);
}

RILL_DECL void reactor::end_all(entry& r, task_queue& ready) noexcept {
    for (direction way : {direction::read, direction::write, direction::exceptional}) {
        auto& queue = r.queues[index(way)];
        if (queue.empty())
            continue;
        while (!queue.empty()) {
            request& q = queue.pop();
            q.answer(error::operation_aborted);
            ready.push(q);
        }
        poller_->disarm(r, way);
    }
}

/// True: @p q is answered. False: it would have to wait.
RILL_DECL bool reactor::try_now(entry& r, request& q) noexcept {
    bool& may_succeed = r.may_succeed[index(q.way)];
    bool must_call = q.kind == request_kind::connect && !static_cast<connect_request&>(q).under_way;
    if (!may_succeed && !must_call)
        return false;
    // What a listener is asked: a call that is under way would keep its file, and so its address, beyond abandon().
    const bool asks_listener = q.kind == request_kind::accept || q.kind == request_kind::wait_ready;
    scoped_lock lock(asks_listener && !shared_ ? &r.lock : nullptr);
    switch (perform(r.handle, q)) {
    case outcome::answered:
        if ((q.ec || q.kind == request_kind::wait_ready) && r.closing.load(std::memory_order_acquire))
            q.answer(error::operation_aborted);  // the call met what abandon_file() had put there
        return true;
    case outcome::answered_and_exhausted:
        // Data and the peer's end can share one edge, and a read ends at an urgent mark: only if nothing of that kind
        // has been reported does a short read mean that the next byte brings a new edge.
        if (!r.unusual)
            may_succeed = false;
        return true;
    case outcome::would_block:
        may_succeed = false;
        if (q.way == direction::read)
            r.unusual = false;
        return false;
    }
    return false;
}

RILL_DECL void reactor::start(request& q, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(*q.handle);
    scoped_lock lock(lock_of(r));
    if (q.cancelled || r.handle == no_handle) {
        q.answer(error::operation_aborted);
        ready.push(q);
        return;
    }
    r.listens |= q.kind == request_kind::accept;
    auto& queue = r.queues[index(q.way)];
    if (queue.empty()) {
        if (try_now(r, q)) {
            ready.push(q);
            return;
        }
        q.state = request_state::waiting;
        queue.push(q);
        poller_->arm(r, q.way);
        return;
    }
    q.state = request_state::waiting;
    queue.push(q);
}

RILL_DECL void reactor::cancel(request& q, task_queue& ready) noexcept {
    if (!q.handle)
        return;  // answered before it was started
    auto& r = static_cast<entry&>(*q.handle);
    scoped_lock lock(lock_of(r));
    if (q.state == request_state::created) {
        q.cancelled = true;
    } else if (q.state == request_state::waiting) {
        auto& queue = r.queues[index(q.way)];
        bool was_front = queue.front() == &q;
        [[maybe_unused]] bool found = queue.remove(q);
        RILL_ASSERT(found);
        q.answer(error::operation_aborted);
        ready.push(q);
        if (queue.empty())
            poller_->disarm(r, q.way);
        else if (was_front)
            try_all(r, {}, ready);
    }
}

RILL_DECL void reactor::cancel_all(registration& base, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(base);
    scoped_lock lock(lock_of(r));
    end_all(r, ready);
}

RILL_DECL void reactor::on_ready(reactor_registration& r, ready_events events, task_queue& ready) noexcept {
    scoped_lock lock(lock_of(r));
    try_all(r, events, ready);
}

RILL_DECL void reactor::try_all(entry& r, ready_events events, task_queue& ready) noexcept {
    if (r.handle == no_handle)
        return;
    r.unusual |= events.unusual;
    const bool news[3] = {events.readable, events.writable, events.exceptional};
    for (direction way : {direction::exceptional, direction::read, direction::write}) {
        r.may_succeed[index(way)] |= news[index(way)];
        auto& queue = r.queues[index(way)];
        if (queue.empty())
            continue;
        while (!queue.empty() && try_now(r, *queue.front()))
            ready.push(queue.pop());
        if (queue.empty())
            poller_->disarm(r, way);
    }
}

RILL_DECL void reactor::shut_down(task_queue& ready) noexcept {
    for (chunk* c = chunks_; c; c = c->next) {
        for (entry& r : c->entries) {
            if (r.handle == no_handle)
                continue;
            if (r.owner)
                *r.owner = nullptr;
            detach(r, false, ready);
        }
    }
}

RILL_DECL reactor::~reactor() {
    while (chunk* c = chunks_) {
        chunks_ = c->next;
        delete c;
    }
}

}  // namespace rill::engine
