// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/io_uring.hpp>
#include <rill/engine/driver/perform.hpp>

#include <new>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

namespace rill::engine {

inline io_uring_driver::io_uring_driver(threading t, const driver_options& options, const ring_wishes& wishes,
                                        const ring_support& support)
    : shared_(t == threading::shared),
      pinned_((options.pinned || wishes.pinned) && !shared_),
      support_(wishes.oldest ? ring_support{} : support),
      entries_(wishes.entries != 0 ? wishes.entries : options.ring_entries),
      idle_ms_(wishes.idle_ms != 0 ? wishes.idle_ms : options.ring_idle_ms),
      registrations_(options.memory) {
    throw_if(open_ring(issuer::any_thread), "io_uring");
    registrations_.reserve(options.preallocated, [](pool::chunk&, memory_source*) {});
}

// A thread that owns its ring for good lets the kernel do without locks and interruptions. But no other may use that
// ring then, not even to cancel: so it is so only from some time within run() on until that ends.
inline error_code io_uring_driver::open_ring(issuer who) noexcept {
    namespace constant = system::ring_constant;
    std::uint32_t flags = 0;
    if (support_.submits_all)
        flags |= constant::setup_submit_all;
    if (who == issuer::this_thread)
        flags |= constant::setup_single_issuer | constant::setup_defer_taskrun | constant::setup_taskrun_flag;
    else if (idle_ms_ != 0)
        flags |= IORING_SETUP_SQPOLL;
    else if (!shared_ && support_.cooperates)
        flags |= constant::setup_coop_taskrun | constant::setup_taskrun_flag;
    // More fit into the queue of completions than what one call submits, so that hardly ever one must wait in the kernel.
    const unsigned completions = entries_ < 64 ? 2 * entries_ : 16 * entries_;
    return ring_.open(entries_, completions, flags, idle_ms_);
}

inline registration* io_uring_driver::attach(native_handle handle, error_code& ec) noexcept {
    entry* r = registrations_.take([](pool::chunk&, memory_source*) {});
    if (!r) {
        ec = error::no_memory;
        return nullptr;
    }
    guard lock(*this);
    r->handle = handle;
    r->has_gone = r->may_listen = r->copies_all = r->seems_empty = false;
    r->closing.store(false, std::memory_order_relaxed);
    return r;
}

// -- requests begin

RILL_INLINE void io_uring_driver::begin(request& q, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(*q.handle);
    if (q.cancelled || r.handle == no_handle) [[unlikely]] {
        q.answer(error::operation_aborted);
        ready.push(q);
        return;
    }
    q.state = request_state::waiting;
    q.progress = 0;
    auto& queue = r.waiting[index(q.way)];
    const bool is_first = queue.empty();
    if ((q.kind == request_kind::connect || q.wanted_now) && is_done_at_once(r, q, is_first)) [[unlikely]]
        return ready.push(q);
    queue.push(q);
    if (is_first) [[likely]]
        put(r, q);
    else
        begin_behind(r, q, ready);
}

inline void io_uring_driver::begin_behind(entry& r, request& q, task_queue& ready) noexcept {
    request* s = standing(r.waiting[index(q.way)]);
    if (s)
        serve(r, *s, ready);  // none but q is answered: had there been something, the others would not wait
    if (q.state == request_state::answered)
        return;
    if (s ? is_fed_by(*s, q) : is_ordered(q))
        put_next(r, q.way);
    else
        put(r, q);
}

inline bool io_uring_driver::is_done_at_once(entry& r, request& q, bool is_first) noexcept {
    if (q.kind == request_kind::connect) {
        auto& c = static_cast<connect_request&>(q);
        // To a local socket a connection is there at once or never; the kernel's own attempt would wait for a place in
        // the listener's queue.
        if (c.peer.ss_family == AF_UNIX && connect(r.handle, c) != outcome::would_block) {
            note_closing(r, q);
            return true;
        }
    }
    if (!q.wanted_now || !is_first)
        return false;
    if (try_call(r, q))
        return true;
    if (q.kind == request_kind::connect)
        q.progress |= polled;  // it is under way
    return false;
}

inline void io_uring_driver::start(request& q, task_queue& ready) noexcept {
    if (shared_)
        return start_shared(q, ready);
    begin(q, ready);
    if (behind_) [[unlikely]]
        catch_up_after_start();
}

// What others are answered is kept for wait(): start() hands out its own request alone.
inline void io_uring_driver::catch_up_after_start() noexcept {
    guard lock(*this);
    catch_up(lock, answered_);
}

inline void io_uring_driver::start_shared(request& q, task_queue& ready) noexcept {
    guard lock(*this);
    begin(q, ready);
    if (behind_) [[unlikely]] {
        catch_up(lock, answered_);
        if (waited_for_ && !answered_.empty())
            wake();
    }
    help_waiter(lock);
    if (broken_) [[unlikely]]
        wake();  // whoever waits, or will
}

/// The last that a shared driver's call does where another thread may wait meanwhile.
inline void io_uring_driver::help_waiter(guard& lock) noexcept {
    if (!waited_for_)
        return;
    // It called the kernel before entries were filled here. It may wait for what they bring; and this thread may not return
    // to the loop for long: its handler may itself wait for another.
    if (ring_.unsubmitted() != 0)
        enter(lock, 0, system::ring::for_ever);
    if (refused_) [[unlikely]]
        wake();  // and it tries again
    // And it has missed the completion that was to wake it, if that was taken from the queue here before it came to sleep.
    if (!woken_ || !waited_for_)
        return;
    if (!waker_put_)
        put_waker();
    wake();
    if (ring_.unsubmitted() != 0)
        enter(lock, 0, system::ring::for_ever);
}

// The first transfer of a direction, if the kernel does not have it yet.
inline void io_uring_driver::put_next(entry& r, direction way) noexcept {
    if (request* s = standing(r.waiting[index(way)])) [[unlikely]]
        return put_if_wanted(r, *s);
    request* first = nullptr;
    r.waiting[index(way)].for_each([&](request& q) noexcept {
        if (!first && is_ordered(q))
            first = &q;
    });
    if (first && (first->progress & in_ring) == 0)
        put_again(r, *first);
}

// One that waits for a block is put again by feed(), one that waits for the kernel's last word on it by on_part().
inline void io_uring_driver::put_again(entry& r, request& q) noexcept {
    if (!starves(q) && !is_owed(q))
        put(r, q);
}

RILL_INLINE void io_uring_driver::put(entry& r, request& q) noexcept {
    ring_entry* e = takes_back_ ? nullptr : ring_.next_entry();
    if (!e) [[unlikely]]
        return fall_behind(r);
    fill(*e, r, q);
    e->user_data = reinterpret_cast<std::uintptr_t>(&q);
    count_in(r, q);
}

RILL_INLINE void io_uring_driver::count_in(entry& r, request& q) noexcept {
    q.progress |= in_ring;
    r.in_ring.store(r.in_ring.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    ++in_flight_;
    ring_.publish();
}

inline void io_uring_driver::put_cancel(entry& r, request& q) noexcept {
    ring_entry* e = ring_.next_entry();
    if (!e)
        return fall_behind(r);
    fill_cancel(*e, user_data_of(q));
    q.progress |= cancel_put;
}

inline void io_uring_driver::fill_cancel(ring_entry& e, std::uint64_t of) noexcept {
    e.opcode = IORING_OP_ASYNC_CANCEL;
    e.addr = of;
    e.user_data = for_nobody;
    if (support_.skips_success)
        e.flags = system::ring_constant::skip_success;
    ring_.publish();
}

inline void io_uring_driver::put_what_is_left(entry& r) noexcept {
    for (const auto& queue : r.waiting) {
        request* const s = standing(queue);
        bool has_ordered = false;
        queue.for_each([&](request& q) noexcept {
            const bool is_next = s ? !is_fed_by(*s, q) : !is_ordered(q) || !std::exchange(has_ordered, true);
            const bool is_unwanted = &q == s && !first_fed_by(q);
            const bool ends = takes_back_ || (q.progress & cancel_asked) != 0 || is_unwanted || has_any_for(r, q);
            if ((q.progress & in_ring) == 0) {
                if (&q == s)
                    put_if_wanted(r, q);
                else if (is_next)
                    put_again(r, q);
            } else if (ends && (q.progress & cancel_put) == 0) {
                put_cancel(r, q);
            }
        });
    }
}

// No place in the ring: it is for catch_up() to submit what is there.
inline void io_uring_driver::fall_behind(entry& r) noexcept {
    if (takes_back_ || r.is_behind)
        return;
    r.is_behind = true;
    r.next_behind = std::exchange(behind_, &r);
}

inline void io_uring_driver::catch_up(guard& lock, task_queue& ready) noexcept {
    while (behind_) {
        if (broken_)
            return fail_all(ready);
        const int n = enter(lock, 0, system::ring::for_ever);
        take_completions(ready);
        if (n < 0 && ring_.unsubmitted() == ring_.size())
            return;  // the kernel is short of memory: wait() tries again
        for (entry* r = std::exchange(behind_, nullptr); r;) {
            entry& next = *r;
            r = next.next_behind;
            next.is_behind = false;
            put_what_is_left(next);
        }
    }
}

// False: there is no memory for it; then the first buffer has to do.
inline bool io_uring_driver::fill_message(ring_entry& e, const transfer_request& q, bool receives) noexcept {
    if (!messages_)
        messages_.reset(new (std::nothrow)::msghdr[ring_.size()]());
    if (!messages_)
        return false;
    // The kernel has read it when the entry's place is free. (What it writes there when it has received says nothing, and
    // is not looked at.)
    ::msghdr& message = messages_[ring_.index_of(e)];
    message.msg_iov = q.buffers;
    message.msg_iovlen = q.count;
    e.opcode = receives ? IORING_OP_RECVMSG : IORING_OP_SENDMSG;
    e.addr = reinterpret_cast<std::uintptr_t>(&message);
    e.len = 1;
    return true;
}

RILL_INLINE void io_uring_driver::fill_transfer(ring_entry& e, const transfer_request& q, bool receives) noexcept {
    if (q.count != 1 && fill_message(e, q, receives)) [[unlikely]]
        return;
    e.opcode = receives ? IORING_OP_RECV : IORING_OP_SEND;
    e.addr = reinterpret_cast<std::uintptr_t>(q.buffers->iov_base);
    constexpr std::size_t most = 0x7fff'f000;  // as the kernel's other calls
    e.len = static_cast<unsigned>(q.buffers->iov_len < most ? q.buffers->iov_len : most);
}

RILL_INLINE void io_uring_driver::fill(ring_entry& e, entry& r, request& q) noexcept {
    e.fd = r.handle;
    if (q.kind == request_kind::receive && (q.progress & polled) == 0 && q.way == direction::read) [[likely]] {
        auto& receive = static_cast<receive_request&>(q);
        fill_transfer(e, receive, true);
        e.msg_flags = static_cast<unsigned>(receive.flags);
        if (r.seems_empty && receive.flags == 0)
            e.ioprio = system::ring_constant::receive_poll_first;
    } else if (q.kind == request_kind::send && (q.progress & polled) == 0) [[likely]] {
        auto& send = static_cast<send_request&>(q);
        fill_transfer(e, send, false);
        e.msg_flags = static_cast<unsigned>(send.flags) | MSG_NOSIGNAL;
    } else {
        fill_other(e, r, q);
    }
}

inline void io_uring_driver::fill_other(ring_entry& e, entry& r, request& q) noexcept {
    if (q.kind == request_kind::accept && (q.progress & polled) == 0) {
        auto& accept = static_cast<accept_request&>(q);
        r.may_listen = true;
        e.opcode = IORING_OP_ACCEPT;
        e.addr = reinterpret_cast<std::uintptr_t>(accept.peer);
        e.addr2 = accept.peer ? reinterpret_cast<std::uintptr_t>(&accept.peer_size) : 0;
        e.accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
        // In vain it is dear: the kernel makes the new socket before it looks whether there is a connection.
        if (r.seems_empty)
            e.ioprio = system::ring_constant::accept_poll_first;
    } else if (q.kind == request_kind::connect && (q.progress & polled) == 0) {
        auto& connect = static_cast<connect_request&>(q);
        e.opcode = IORING_OP_CONNECT;
        e.addr = reinterpret_cast<std::uintptr_t>(&connect.peer);
        e.off = connect.peer_size;
    } else if (q.kind == request_kind::receive_block && fill_block(e, r, static_cast<receive_block_request&>(q))) {
    } else if (q.kind == request_kind::send_zc && (q.progress & polled) == 0) {
        fill_send_zc(e, r, static_cast<send_zc_request&>(q));
    } else {
        // An error is told of anyway. The kernel does not look at POLLPRI alone (fs/io_uring.c, IO_ASYNC_POLL_COMMON), but
        // all that arrives is announced as POLLRDBAND too.
        constexpr std::uint32_t events[3] = {POLLIN, POLLOUT, POLLPRI | POLLRDBAND};
        if (q.kind == request_kind::wait_ready)
            r.may_listen = true;
        q.progress |= polled;
        e.opcode = IORING_OP_POLL_ADD;
        e.poll32_events = events[index(q.way)];
    }
}

}  // namespace rill::engine
