// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/perform.ipp>  // transfers are tried in place
#include <rill/engine/driver/reactor.hpp>

namespace rill::engine {

RILL_DECL void reactor::prepare(pool::chunk& c, memory_source* memory) {
    if (shared_)
        c.locks.reset(new (memory) locks_of_chunk<pool::chunk_size>::mutexes);
    for (std::size_t i = 0; i != pool::chunk_size; ++i)
        c.entries[i].lock = shared_ ? &c.locks->of[i] : &listeners_mutex_;
}

RILL_DECL void reactor::reserve(std::size_t registrations) {
    registrations_.reserve(registrations, [this](pool::chunk& c, memory_source* memory) { prepare(c, memory); });
}

RILL_DECL registration* reactor::attach(native_handle handle, error_code& ec) noexcept {
    entry* r = registrations_.take([this](pool::chunk& c, memory_source* memory) { prepare(c, memory); });
    if (!r) {
        ec = error::no_memory;
        return nullptr;
    }
    {
        scoped_lock lock(lock_of(*r));
        r->handle = handle;
        r->may_succeed[0] = r->may_succeed[1] = r->may_succeed[2] = true;
        r->unusual = r->may_listen = r->starves = false;
        r->armed = 0;
        r->closing.store(false, std::memory_order_relaxed);
    }
    if (poller_->add(*r, ec))
        return r;
    {
        scoped_lock lock(lock_of(*r));
        r->handle = no_handle;
    }
    registrations_.put_back(*r);
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
    registrations_.put_back(r);
}

RILL_DECL void reactor::abandon(registration& base) noexcept {
    auto& r = static_cast<entry&>(base);
    scoped_lock lock(r.lock);
    poller_->abandon(r);
}

RILL_DECL void reactor::end_all(entry& r, task_queue& ready) noexcept {
    for (direction way : {direction::read, direction::write, direction::exceptional}) {
        auto& queue = r.waiting[index(way)];
        if (queue.empty())
            continue;
        while (!queue.empty()) {
            request& q = queue.pop();
            forget_hunger(q);
            q.answer(error::operation_aborted);
            ready.push(q);
        }
        end_wait(r, way);
    }
}

// The one call that has to be made even if the direction is known to be exhausted.
inline bool begins_to_connect(const request& q) noexcept {
    return q.kind == request_kind::connect && !static_cast<const connect_request&>(q).under_way;
}

/// True: @p q is answered. False: it has to wait.
RILL_INLINE bool reactor::try_now(entry& r, request& q) noexcept {
    outcome o;
    if (q.kind == request_kind::receive)
        o = receive(r.handle, static_cast<receive_request&>(q));
    else if (q.kind == request_kind::send)
        o = send(r.handle, static_cast<send_request&>(q));
    else
        o = try_other(r, q);
    if (o == outcome::answered)
        return true;
    if (o == outcome::answered_and_exhausted) {
        // Data and the peer's end can share one edge, and a read ends at an urgent mark: only if nothing of that kind
        // has been reported does a short read mean that the next byte brings a new edge.
        r.may_succeed[index(q.way)] = r.unusual;
        return true;
    }
    if (o == outcome::failed) {
        note_closing(r, q);
        return true;
    }
    if (o == outcome::starved) [[unlikely]] {
        starve(r);
        return false;
    }
    r.may_succeed[index(q.way)] = false;
    if (q.way == direction::read) {
        r.unusual = false;
        if (r.starves) [[unlikely]]
            return !satisfy(r, q);
    }
    return false;
}

// There may be something to receive all the time, and no block for it.
RILL_DECL void reactor::starve(entry& r) noexcept {
    if (!arms_each_wait_)
        return;
    r.starves = true;
    poller_->disarm(r, direction::read);
}

// It waits for something to receive again. False: the system refuses, which is @p q's answer.
RILL_DECL bool reactor::satisfy(entry& r, request& q) noexcept {
    r.starves = false;
    error_code refused;
    if (poller_->arm(r, direction::read, refused))
        return true;
    q.answer(refused);
    return false;
}

// A registration may have been given another handle, or its request been cancelled, since it was in the list: then a
// call is tried for nothing.
RILL_DECL wait_limit reactor::feed(block_pool& free_blocks, wait_limit limit, task_queue& ready) noexcept {
    task_queue fed;
    while (registration* base = free_blocks.next_to_feed()) {
        auto& r = static_cast<entry&>(*base);
        scoped_lock lock(lock_of(r));
        if (r.handle != no_handle && !r.waiting[index(direction::read)].empty())
            try_queue(r, direction::read, fed);
    }
    if (!fed.empty())
        limit = wait_limit::none();
    ready.splice(fed);
    return limit;
}

// What moves no bytes.
RILL_DECL outcome reactor::try_other(entry& r, request& q) noexcept {
    if (q.kind == request_kind::connect)
        return connect(r.handle, static_cast<connect_request&>(q));
    if (q.kind == request_kind::send_zc)
        return send(r.handle, static_cast<send_zc_request&>(q));
    if (q.kind == request_kind::receive_block)
        return receive(r.handle, static_cast<receive_block_request&>(q), *blocks.made());
    // A call that is under way would keep a listener's file, and so its address, beyond abandon().
    r.may_listen = true;
    scoped_lock lock(shared_ ? nullptr : r.lock);
    if (q.kind == request_kind::accept)
        return accept(r.handle, static_cast<accept_request&>(q));
    RILL_ASSERT(q.kind == request_kind::wait_ready);
    outcome o = look(r.handle, static_cast<wait_request&>(q));
    if (o == outcome::answered)
        note_closing(r, q);  // it does not tell why a handle is ready
    return o;
}

// A call may have met what abandon_file() had put there.
RILL_DECL void reactor::note_closing(entry& r, request& q) noexcept {
    if (r.closing.load(std::memory_order_acquire))
        q.answer(error::operation_aborted);
}

RILL_DECL void reactor::start(request& q, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(*q.handle);
    if (shared_)
        start_shared(r, q, ready);
    else
        start_locked(r, q, ready);
}

RILL_DECL void reactor::start_shared(entry& r, request& q, task_queue& ready) noexcept {
    scoped_lock lock(r.lock);
    start_locked(r, q, ready);
}

RILL_INLINE void reactor::start_locked(entry& r, request& q, task_queue& ready) noexcept {
    if (q.cancelled || r.handle == no_handle) [[unlikely]]
        refuse(q, ready);
    else if (r.waiting[index(q.way)].empty() && (r.may_succeed[index(q.way)] || begins_to_connect(q)))
        start_front(r, q, ready);
    else
        let_wait(r, q, ready);
}

RILL_DECL void reactor::refuse(request& q, task_queue& ready) noexcept {
    q.answer(error::operation_aborted);
    ready.push(q);
}

RILL_DECL void reactor::start_front(entry& r, request& q, task_queue& ready) noexcept {
    if (try_now(r, q))
        ready.push(q);
    else
        let_wait(r, q, ready);
}

RILL_INLINE void reactor::let_wait(entry& r, request& q, task_queue& ready) noexcept {
    auto& queue = r.waiting[index(q.way)];
    const bool is_front = queue.empty();
    q.state = request_state::waiting;
    queue.push(q);
    if (is_front && (arms_each_wait_ ? !r.starves || q.way != direction::read : q.way == direction::write))
        arm(r, q, ready);
}

// With @p q alone in its queue.
RILL_DECL void reactor::arm(entry& r, request& q, task_queue& ready) noexcept {
    error_code refused;
    if (poller_->arm(r, q.way, refused))
        return;
    r.waiting[index(q.way)].pop();
    q.answer(refused);
    note_closing(r, q);
    ready.push(q);
}

RILL_DECL void reactor::cancel(request& q, task_queue& ready) noexcept {
    if (!q.handle)
        return;  // answered before it was started
    auto& r = static_cast<entry&>(*q.handle);
    scoped_lock lock(lock_of(r));
    if (q.state == request_state::created) {
        q.cancelled = true;
    } else if (q.state == request_state::waiting) {
        auto& queue = r.waiting[index(q.way)];
        bool was_front = queue.front() == &q;
        queue.remove(q);
        forget_hunger(q);
        q.answer(error::operation_aborted);
        ready.push(q);
        if (queue.empty())
            end_wait(r, q.way);
        else if (was_front)
            try_queue(r, q.way, ready);
    }
}

RILL_DECL void reactor::cancel_all(registration& base, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(base);
    scoped_lock lock(lock_of(r));
    end_all(r, ready);
}

RILL_DECL void reactor::on_ready(reactor_registration& r, ready_events events, task_queue& ready) noexcept {
    scoped_lock lock(lock_of(r));
    if (r.handle == no_handle)
        return;
    if (events.unusual)
        r.unusual = true;
    if (events.exceptional)
        on_news(r, direction::exceptional, ready);
    if (events.readable)
        on_news(r, direction::read, ready);
    if (events.writable) {
        if (disarms_idle_writes_ && r.waiting[index(direction::write)].empty())
            poller_->disarm(r, direction::write);
        on_news(r, direction::write, ready);
    }
}

RILL_INLINE void reactor::on_news(entry& r, direction way, task_queue& ready) noexcept {
    r.may_succeed[index(way)] = true;
    if (!r.waiting[index(way)].empty())
        try_queue(r, way, ready);
}

/// Tries what waits in one direction, until one has to go on waiting.
RILL_DECL void reactor::try_queue(entry& r, direction way, task_queue& ready) noexcept {
    auto& queue = r.waiting[index(way)];
    while (r.may_succeed[index(way)] || begins_to_connect(*queue.front())) {
        if (!try_now(r, *queue.front()))
            return;
        ready.push(queue.pop());
        if (queue.empty())
            return end_wait(r, way);
    }
    // What starved has got all there was: those behind it wait for more of that.
    while (r.starves && way == direction::read)
        [[unlikely]] {
            if (satisfy(r, *queue.front()))
                return;
            ready.push(queue.pop());
            if (queue.empty())
                return end_wait(r, way);
        }
}

RILL_DECL void reactor::shut_down(task_queue& ready) noexcept {
    registrations_.for_each([&](entry& r) noexcept {
        if (r.handle == no_handle)
            return;
        if (r.owner)
            *r.owner = nullptr;
        detach(r, false, ready);
    });
}

}  // namespace rill::engine
