// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/io_uring.hpp>

namespace rill::engine {

// -- other rings

// Inside of run() only: whatever else is asked comes through the loop, on this thread.
inline void io_uring_driver::settle_here() noexcept {
    if (pinned_ && support_.defers && issuer_ == issuer::any_thread && !stays_)
        change_rings(issuer::this_thread);
    if (support_.remembers_handle)
        ring_.remember_handle();
}

// For good. The ring that replaces this one is remembered, too.
inline void io_uring_driver::unsettle() noexcept {
    change_rings(issuer::any_thread);
    if (support_.remembers_handle)
        ring_.remember_handle();
}

inline void io_uring_driver::leave() noexcept {
    if (waits_ >= waits_to_settle) {
        ring_.forget_handle();
        if (issuer_ == issuer::this_thread)
            change_rings(issuer::any_thread);
    }
    waits_ = 0;
}

// The ring that any thread may use stays open meanwhile, so that there always is one to come back to.
inline void io_uring_driver::change_rings(issuer who) noexcept {
    if (broken_)
        return;
    guard lock(*this);
    take_back(lock, answered_);
    buffers_.leave(ring_);
    ring_.swap(other_ring_);
    if (who == issuer::this_thread && open_ring(who))
        ring_.swap(other_ring_);
    else
        issuer_ = who;
    if (who == issuer::any_thread)
        other_ring_.close();
    messages_.reset();
    put_all();
}

/// Nothing is in the ring then. What is answered meanwhile goes to @p ready.
inline void io_uring_driver::take_back(guard& lock, task_queue& ready) noexcept {
    takes_back_ = true;
    bool waker_told = false;
    for (int tries = 0; in_flight_ != 0 || waker_put_; ++tries) {
        registrations_.for_each([&](entry& r) noexcept {
            if (r.in_ring.load(std::memory_order_relaxed) != 0)
                put_what_is_left(r);
        });
        if (ring_entry* e = waker_put_ && !waker_told ? ring_.next_entry() : nullptr) {
            fill_cancel(*e, for_waker);
            waker_told = true;
        }
        enter(lock, tries == 0 ? 0 : 1, std::chrono::milliseconds(1));
        take_completions(ready);
        if (broken_)
            break;
    }
    takes_back_ = false;
}

inline void io_uring_driver::put_all() noexcept {
    // Another thread may be in attach(): of what has no requests nothing is read.
    registrations_.for_each([&](entry& r) noexcept { put_what_is_left(r); });
}

// The new process would share the ring, and the kernel would write into the old one's memory: so all is taken out
// before, and put in again after, by each into its own.
inline error_code io_uring_driver::notify_fork(fork_event event) noexcept {
    guard lock(*this);
    has_forked_ = true;
    error_code ec;
    if (event == fork_event::prepare) {
        take_back(lock, answered_);
        buffers_.leave(ring_);
        return ec;
    }
    if (event == fork_event::child) {
        ec = waker_.renew();
        if (!ec) {
            ring_.close_inherited();
            other_ring_.close_inherited();
            ec = open_ring(issuer::any_thread);
            issuer_ = issuer::any_thread;
            messages_.reset();
            registered_.forget();
            forgive_all(answered_);  // what the kernel still needs is the old process's
        }
    }
    if (!ec)
        put_all();
    return ec;
}

}  // namespace rill::engine
