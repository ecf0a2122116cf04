// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/driver.hpp>
#include <rill/engine/driver/perform.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <cstddef>
#include <memory>

namespace rill::engine {

/// What a poller reports of one handle.
struct ready_events {
    bool readable = false;     // data, a connection to accept, the end, or an error
    bool writable = false;     // room, the outcome of a connect, or an error
    bool exceptional = false;  // priority data, or an error
    bool unusual = false;      // more than data and room: end, error, hang-up, or priority data
};

/// The reactor's state for one handle.
struct reactor_registration : registration {
    mutex lock;                          // shared mode; solo: see try_now()
    intrusive_queue<request> queues[3];  // by direction; the front is the one to try
    // Whether a call may succeed now, by direction. False: a call has found it exhausted, and no edge has come since.
    bool may_succeed[3] = {true, true, true};
    // A short read proves nothing while this is set: an edge told of more than data since a read last would have
    // blocked.
    bool unusual = false;
    bool listens = false;  // it has been asked to accept: its address must be free as soon as it is closed
    reactor_registration* next_free = nullptr;

    /// What the poller keeps here.
    unsigned char armed = 0;
    std::size_t position = 0;
};

/// Answers requests by trying the call, and again whenever a poller says that it may succeed.
///
/// A Poller has: name(), add(r, ec), remove(r, closing), abandon(r), arm(r, direction) and disarm(r, direction) as
/// requests begin and cease to wait, wait(limit, report) that calls report(registration, ready_events) for each ready
/// handle, and wake().
template <class Poller>
class reactor final : public driver {
public:
    /// Throws  system_error if the system refuses the poller
    explicit reactor(threading t) : shared_(t == threading::shared), poller_(t) {}
    ~reactor() override {
        while (chunk* c = chunks_) {
            chunks_ = c->next;
            delete c;
        }
    }

    const char* name() const noexcept override { return poller_.name(); }
    registration* attach(native_handle handle, error_code& ec) noexcept override;
    void detach(registration& r, bool closing, task_queue& ready) noexcept override;
    void abandon(registration& r) noexcept override;
    void start(request& q, task_queue& ready) noexcept override;
    void cancel(request& q, task_queue& ready) noexcept override;
    void cancel_all(registration& r, task_queue& ready) noexcept override;
    void wait(wait_limit limit, task_queue& ready) noexcept override;
    void wake() noexcept override { poller_.wake(); }
    void shut_down(task_queue& ready) noexcept override;

private:
    using entry = reactor_registration;

    struct chunk {
        static constexpr std::size_t size = 32;
        entry entries[size];
        chunk* next = nullptr;
    };

    static constexpr std::size_t index(direction d) noexcept { return static_cast<std::size_t>(d); }

    mutex* lock_of(entry& r) noexcept { return shared_ ? &r.lock : nullptr; }
    bool try_now(entry& r, request& q) noexcept;
    void on_ready(entry& r, ready_events events, task_queue& ready) noexcept;
    void end_all(entry& r, task_queue& ready) noexcept;

    const bool shared_;
    Poller poller_;
    // Registrations are reused, never freed: an event that was fetched before its handle went, and another came in its
    // place, only makes that other one try a call for nothing.
    mutex entries_mutex_;
    chunk* chunks_ = nullptr;  // entries_mutex_
    entry* free_ = nullptr;    // entries_mutex_
};

// Implementation

template <class Poller>
registration* reactor<Poller>::attach(native_handle handle, error_code& ec) noexcept {
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
    if (poller_.add(*r, ec))
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

template <class Poller>
void reactor<Poller>::detach(registration& base, bool closing, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(base);
    {
        scoped_lock lock(lock_of(r));
        end_all(r, ready);
        poller_.remove(r, closing);
        r.handle = no_handle;
        r.owner = nullptr;
    }
    scoped_lock lock(entries_mutex_);
    r.next_free = free_;
    free_ = &r;
}

template <class Poller>
void reactor<Poller>::abandon(registration& base) noexcept {
    auto& r = static_cast<entry&>(base);
    scoped_lock lock(&r.lock);
    poller_.abandon(r);
}

template <class Poller>
void reactor<Poller>::end_all(entry& r, task_queue& ready) noexcept {
    for (direction way : {direction::read, direction::write, direction::exceptional}) {
        auto& queue = r.queues[index(way)];
        if (queue.empty())
            continue;
        while (!queue.empty()) {
            request& q = queue.pop();
            q.answer(error::operation_aborted);
            ready.push(q);
        }
        poller_.disarm(r, way);
    }
}

/// True: @p q is answered. False: it would have to wait.
template <class Poller>
bool reactor<Poller>::try_now(entry& r, request& q) noexcept {
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

template <class Poller>
void reactor<Poller>::start(request& q, task_queue& ready) noexcept {
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
        poller_.arm(r, q.way);
        return;
    }
    q.state = request_state::waiting;
    queue.push(q);
}

template <class Poller>
void reactor<Poller>::cancel(request& q, task_queue& ready) noexcept {
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
            poller_.disarm(r, q.way);
        else if (was_front)
            on_ready(r, {}, ready);
    }
}

template <class Poller>
void reactor<Poller>::cancel_all(registration& base, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(base);
    scoped_lock lock(lock_of(r));
    end_all(r, ready);
}

template <class Poller>
void reactor<Poller>::on_ready(entry& r, ready_events events, task_queue& ready) noexcept {
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
            poller_.disarm(r, way);
    }
}

template <class Poller>
void reactor<Poller>::wait(wait_limit limit, task_queue& ready) noexcept {
    poller_.wait(limit, [&](entry& r, ready_events events) {
        scoped_lock lock(lock_of(r));
        on_ready(r, events, ready);
    });
}

template <class Poller>
void reactor<Poller>::shut_down(task_queue& ready) noexcept {
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

}  // namespace rill::engine
