// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/io_uring.hpp>
#include <rill/engine/driver/perform.hpp>

#include <cerrno>
#include <poll.h>
#include <time.h>
#include <utility>

namespace rill::engine {

// -- completions

/// Submits what there is. Answers as system::ring::enter().
inline int io_uring_driver::enter(guard& lock, unsigned least, std::chrono::nanoseconds timeout) noexcept {
    if (broken_) [[unlikely]] {
        lock.unlock();
        yield_thread();  // to one that is in there yet
        lock.lock();
        return -EBADF;
    }
    const unsigned count = ring_.unsubmitted();
    ++callers_;
    lock.unlock();
    const int n = ring_.enter(count, least, timeout);
    lock.lock();
    --callers_;
    refused_ = n == -EAGAIN || n == -ENOMEM || n == -EBUSY;
    if (n < 0 && !refused_ && n != -EINTR && n != -ETIME) [[unlikely]]
        broken_ = error_code(-n, boost::system::system_category());
    return n;
}

/// The kernel has acted on all entries of now when this returns: also where a thread of its own takes them, if that runs.
inline void io_uring_driver::submit_now(guard& lock) noexcept {
    const unsigned tail = ring_.published();
    enter(lock, 0, system::ring::for_ever);
    if (idle_ms_ == 0)
        return;
    const time_point end = now() + std::chrono::milliseconds(100);
    while (!broken_ && !ring_.has_taken(tail) && now() < end) {
        lock.unlock();
        yield_thread();
        lock.lock();
    }
}

// As when a filter of system calls has been put in place. Closing the ring ends what the kernel has, once no thread is in
// a call with it: a filter may be one thread's alone, and another may wait there.
inline void io_uring_driver::fail_all(task_queue& ready) noexcept {
    if (callers_ != 0)
        return wake();  // and whoever waits next comes here
    if (ring_.is_open())
        take_what_has_completed(ready);
    ring_.close();
    buffers_.forget();
    registered_.forget();
    forgive_all(ready);
    behind_ = nullptr;
    registrations_.for_each([&](entry& r) noexcept {
        r.is_behind = false;
        for (auto& queue : r.waiting) {
            while (!queue.empty()) {
                request& q = queue.pop();
                forget_hunger(q);
                if ((q.progress & stands) != 0) {
                    destroy(q);
                    continue;
                }
                q.answer((q.progress & cancel_asked) != 0 ? error_code(error::operation_aborted) : broken_);
                note_closing(r, q);
                ready.push(q);
            }
        }
        if (r.in_ring.exchange(0, std::memory_order_release) != 0 && std::exchange(r.has_gone, false))
            registrations_.put_back(r);
    });
    in_flight_ = 0;
}

// Only wake() and deadlines are left to wait for.
inline void io_uring_driver::wait_without_ring(time_point deadline, guard& lock, task_queue& found) noexcept {
    ::pollfd woken{waker_.handle(), POLLIN, 0};
    const auto left = time_left(deadline, now()).count();
    const ::timespec timeout{static_cast<::time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
    waited_for_ = shared_;
    lock.unlock();
    ::ppoll(&woken, 1, deadline == time_point::max() ? nullptr : &timeout, nullptr);
    waker_.drain();
    lock.lock();
    waited_for_ = false;
    fail_all(found);
    found.splice(answered_);
}

inline void io_uring_driver::put_waker() noexcept {
    ring_entry* e = ring_.next_entry();
    if (!e)
        return;
    // A poll that ends with its first event sees what is there when it begins: that must be gone, and counts as seen.
    if (!support_.polls_on && waker_.drain())
        woken_ = true;
    e->opcode = IORING_OP_POLL_ADD;
    e->fd = waker_.handle();
    e->poll32_events = POLLIN;
    e->len = support_.polls_on ? system::ring_constant::poll_multishot : 0;
    e->user_data = for_waker;
    waker_put_ = true;
    ring_.publish();
}

inline void io_uring_driver::take_completions(task_queue& ready) noexcept {
    if (broken_) [[unlikely]]
        return fail_all(ready);
    take_what_has_completed(ready);
}

inline void io_uring_driver::take_what_has_completed(task_queue& ready) noexcept {
    const unsigned end = ring_.completed();
    for (unsigned i = ring_.seen(); i != end; ++i) {
        const system::ring::completion& c = ring_.completion_at(i);
        if ((c.user_data & not_plain) == 0) [[likely]] {
            auto& q = *reinterpret_cast<request*>(static_cast<std::uintptr_t>(c.user_data));
            constexpr unsigned part = system::ring_constant::more_follows | system::ring_constant::notification;
            if ((c.flags & part) != 0) [[unlikely]]
                on_part(static_cast<send_zc_request&>(q), c.res, c.flags, ready);
            else
                on_completion(q, c.res, c.flags, ready);
        } else if (c.user_data == for_waker) {
            waker_put_ = (c.flags & system::ring_constant::more_follows) != 0;
            woken_ = true;
        } else if (c.user_data != for_nobody) {
            on_standing(*reinterpret_cast<request*>(static_cast<std::uintptr_t>(c.user_data & ~not_plain)), c.res,
                        c.flags, ready);
        }
    }
    ring_.pop_all_before(end);
}

RILL_INLINE void io_uring_driver::on_completion(request& q, int result, unsigned flags, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(*q.handle);
    q.progress &= static_cast<std::uint8_t>(~in_ring);
    --in_flight_;
    const bool answered = conclude(r, q, result, flags);
    auto& queue = r.waiting[index(q.way)];
    if (answered) [[likely]] {
        if (queue.front() == &q) [[likely]]
            queue.pop();
        else
            queue.remove(q);
        ready.push(q);
        if (!queue.empty()) [[unlikely]]
            put_next(r, q.way);
    } else {
        q.progress &= static_cast<std::uint8_t>(~cancelling);
        put_again(r, q);
    }
    // TRICKY: the last. Zero tells abandon() that the file is free.
    const unsigned left = r.in_ring.load(std::memory_order_relaxed) - 1;
    r.in_ring.store(left, std::memory_order_release);
    if (r.has_gone && left == 0) [[unlikely]] {
        r.has_gone = false;
        registrations_.put_back(r);
    }
}

/// True: @p q is answered. False: it has to go on waiting.
RILL_INLINE bool io_uring_driver::conclude(entry& r, request& q, int result, unsigned flags) noexcept {
    if ((q.progress & polled) != 0) [[unlikely]]
        return result >= 0 && !r.has_gone ? try_call(r, q) : conclude_failure(r, q, result < 0 ? -result : ECANCELED);
    if (q.kind == request_kind::receive_block) [[unlikely]]
        return conclude_block(r, static_cast<receive_block_request&>(q), result, flags);
    if (result < 0) [[unlikely]]
        return conclude_failure(r, q, -result);
    switch (q.kind) {
    case request_kind::receive: {
        auto& receive = static_cast<receive_request&>(q);
        receive.bytes = static_cast<std::size_t>(result);
        if (result == 0 && receive.stream != stream_kind::none) [[unlikely]] {
            q.answer(error::eof);
            note_closing(r, q);
            return true;
        }
        r.seems_empty = support_.polls_first && receive.stream == stream_kind::tcp && receive.bytes < receive.asked &&
                        receive.flags == 0 && (flags & system::ring_constant::socket_non_empty) == 0;
        break;
    }
    case request_kind::send:
    case request_kind::send_zc: static_cast<send_request&>(q).bytes = static_cast<std::size_t>(result); break;
    case request_kind::accept:
        static_cast<accept_request&>(q).accepted = result;
        r.seems_empty = support_.accepts_later && (flags & system::ring_constant::socket_non_empty) == 0;
        break;
    case request_kind::connect:
    case request_kind::wait_ready:
    case request_kind::wait_until:
    case request_kind::receive_block:
    case request_kind::overlapped:
    case request_kind::wait_object: break;
    }
    q.answer();
    return true;
}

inline bool io_uring_driver::conclude_failure(entry& r, request& q, int error) noexcept {
    const bool asked = (q.progress & cancel_asked) != 0;
    if (q.kind == request_kind::send_zc && does_not_do_without_copy(r, static_cast<send_zc_request&>(q), error)) {
        if (asked)
            q.answer(error::operation_aborted);
        return asked;
    }
    switch (error) {
    case ECANCELED:
    case EINTR:
        if (asked || r.closing.load(std::memory_order_acquire)) {
            q.answer(error::operation_aborted);
            return true;
        }
        if (has_any_for(r, q)) {
            q.answer();
            return true;
        }
        // The thread that submitted it has ended, or it is taken back.
        if (q.kind == request_kind::connect) {
            static_cast<connect_request&>(q).under_way = true;
            q.progress |= polled;
        }
        return false;
    case EAGAIN:
    case EFAULT:  // also when that thread ends
    case EMFILE:  // the kernel reserves a descriptor before there is a connection: that is for then
    case ENFILE:
        if (asked) {
            q.answer(error::operation_aborted);
            return true;
        }
        if ((q.progress & polled) != 0)
            break;
        q.progress |= polled;
        static_cast<void>(q.kind == request_kind::connect && (static_cast<connect_request&>(q).under_way = true));
        return false;
    case EINPROGRESS:
        if (q.kind != request_kind::connect)
            break;
        static_cast<connect_request&>(q).under_way = true;
        q.progress |= polled;
        return false;
    case ECONNABORTED:
        // The connection went away while it waited (accept(2)): take the next.
        if (q.kind == request_kind::accept && !static_cast<accept_request&>(q).report_aborted)
            return false;
        break;
    default: break;
    }
    q.answer(error_code(error, boost::system::system_category()));
    note_closing(r, q);
    return true;
}

/// The handle seems to be ready for what could not be left to the kernel.
inline bool io_uring_driver::try_call(entry& r, request& q) noexcept {
    outcome o = outcome::would_block;
    switch (q.kind) {
    case request_kind::receive:
    case request_kind::send:
    case request_kind::send_zc: o = move_bytes(r.handle, static_cast<transfer_request&>(q)); break;
    case request_kind::accept: o = accept(r.handle, static_cast<accept_request&>(q)); break;
    case request_kind::connect: o = connect(r.handle, static_cast<connect_request&>(q)); break;
    case request_kind::wait_ready:
        o = outcome::answered;
        if (has_any_for(r, q))
            q.answer();
        else
            o = look(r.handle, static_cast<wait_request&>(q));
        if (o == outcome::answered)
            note_closing(r, q);  // it does not tell why a handle is ready
        break;
    case request_kind::receive_block:
        if (!buffers_.serves())
            o = receive(r.handle, static_cast<receive_block_request&>(q), *blocks.made());
        break;
    case request_kind::wait_until:
    case request_kind::overlapped:
    case request_kind::wait_object: break;
    }
    if (o == outcome::failed)
        note_closing(r, q);
    const bool has_to_wait = o == outcome::would_block || o == outcome::starved;
    if (has_to_wait && (q.progress & cancel_asked) != 0) {
        forget_hunger(q);
        q.answer(error::operation_aborted);
        return true;
    }
    return !has_to_wait;
}

// A call may have met what abandon() had left.
inline void io_uring_driver::note_closing(entry& r, request& q) noexcept {
    if (r.closing.load(std::memory_order_acquire))
        q.answer(error::operation_aborted);
}

inline void io_uring_driver::wait(wait_limit limit, task_queue& ready) noexcept {
    guard lock(*this);
    task_queue found;  // there may be something else in ready
    found.splice(answered_);
    take_completions(found);
    if (block_pool* b = blocks.made(); b && b->anyone_starves()) [[unlikely]]
        feed();
    registered_.clean(ring_);
    if (behind_) [[unlikely]] {
        catch_up(lock, found);
        found.splice(answered_);  // meanwhile, by others: none of them wakes a thread that does not wait yet
    }
    const bool was_woken = std::exchange(woken_, false) && !limit.look_only;
    if (!was_woken && found.empty()) {
        if (!broken_) [[likely]]
            call_kernel(limit, lock, found);
        else if (!limit.look_only)
            wait_without_ring(limit.deadline, lock, found);
    }
    ready.splice(found);
}

inline void io_uring_driver::call_kernel(wait_limit limit, guard& lock, task_queue& found) noexcept {
    const bool settles = !limit.look_only && !shared_ && ++waits_ == waits_to_settle;
    const bool unsettles = !limit.look_only && stays_ && issuer_ == issuer::this_thread;
    if (settles || unsettles) [[unlikely]] {
        if (unsettles)
            unsettle();
        else
            settle_here();
        found.splice(answered_);  // meanwhile
        if (!found.empty())
            return;
    }
    if (!waker_put_) [[unlikely]]
        put_waker();
    if (limit.look_only) {
        if (ring_.unsubmitted() == 0 && !ring_.holds_back())
            return;
        enter(lock, 0, system::ring::for_ever);
    } else {
        auto timeout = system::ring::for_ever;
        if (limit.deadline != time_point::max())
            timeout = time_left(limit.deadline, now());
        if ((refused_ || behind_ || !waker_put_) && timeout > retry_interval) [[unlikely]]
            timeout = retry_interval;
        if (block_pool* b = blocks.made(); b && b->anyone_starves() && b->to_feed() != 0) [[unlikely]]
            timeout = std::chrono::nanoseconds::zero();  // those that were fed may not have been hungry
        waited_for_ = shared_;
        const bool refused = refused_;
        if (enter(lock, woken_ ? 0 : 1, timeout) < 0 && refused && refused_) {
            // It takes no entries; what it has may come back all the same.
            ++callers_;
            lock.unlock();
            ring_.enter(0, 1, timeout);
            lock.lock();
            --callers_;
        }
        waited_for_ = false;
    }
    take_completions(found);
    woken_ = false;
}

}  // namespace rill::engine
