// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/io_uring.hpp>

#include <cstring>
#include <new>
#include <sys/socket.h>
#include <utility>

namespace rill::engine {

// -- blocks

// The kernel takes one when there is something to receive, if it can be told so; else it is asked to wait for that.
inline bool io_uring_driver::fill_block(ring_entry& e, entry& r, receive_block_request& q) noexcept {
    forget_hunger(q);
    if (!support_.polls_first || !buffers_.serve(ring_, *blocks.made()))
        return false;
    e.opcode = IORING_OP_RECV;
    e.flags = IOSQE_BUFFER_SELECT;
    e.buf_group = ring_buffers::group;
    if (r.seems_empty || (q.progress & polled) != 0)
        e.ioprio = system::ring_constant::receive_poll_first;
    q.progress &= static_cast<std::uint8_t>(~polled);
    return true;
}

inline bool io_uring_driver::conclude_block(entry& r, receive_block_request& q, int result, unsigned flags) noexcept {
    namespace constant = system::ring_constant;
    block_pool& free_blocks = *blocks.made();
    block* b = (flags & constant::has_buffer) != 0 ? &free_blocks.taken(flags >> constant::buffer_shift) : nullptr;
    if (result > 0 && b) {
        b->size = static_cast<std::size_t>(result);
        q.received = b;
        q.answer();
        r.seems_empty = q.stream == stream_kind::tcp && b->size < free_blocks.block_size() &&
                        (flags & constant::socket_non_empty) == 0;
        return true;
    }
    if (b)
        free_blocks.give_back(*b);
    if (result == 0) {
        q.answer(error::eof);
        note_closing(r, q);
        return true;
    }
    if (result != -ENOBUFS)
        return conclude_failure(r, q, result < 0 ? -result : EAGAIN);
    if ((q.progress & cancel_asked) != 0)
        return conclude_failure(r, q, ECANCELED);
    free_blocks.let_starve(q);
    return false;
}

// As many as there are free blocks; if these turn out not to need them, others follow in the next wait().
inline void io_uring_driver::feed() noexcept {
    block_pool& free_blocks = *blocks.made();
    for (std::size_t n = free_blocks.to_feed(); n != 0; --n) {
        registration* r = free_blocks.next_to_feed();
        if (!r)
            return;
        put_next(static_cast<entry&>(*r), direction::read);
    }
}

// -- what is taken ahead

inline void io_uring_driver::take_ahead(registration& base, request_kind what) noexcept {
    auto& r = static_cast<entry&>(base);
    block_pool* free_blocks = what == request_kind::accept ? nullptr : blocks.get();
    guard lock(*this);
    auto& queue = r.waiting[index(direction::read)];
    if (!support_.answers_on || r.handle == no_handle || standing(queue))
        return;
    request* s = nullptr;
    try {
        if (what == request_kind::accept)
            s = new (blocks.source()) connections_ahead;
        else if (free_blocks && buffers_.serve(ring_, *free_blocks))
            s = new (blocks.source()) bytes_ahead(*free_blocks);
    } catch (...) {  // whatever the user's allocator throws
    }
    if (!s)
        return;  // then each is taken when it is asked for
    s->handle = &r;
    s->state = request_state::waiting;
    s->progress = stands;
    queue.push_front(*s);
}

inline bool io_uring_driver::is_fed_by(const request& s, const request& q) noexcept {
    if (s.kind == request_kind::accept)
        return q.kind == request_kind::accept && &q != &s;
    return (q.kind == request_kind::receive || q.kind == request_kind::receive_block) && &q != &s;
}

// Behind s the queue comes round to it again.
inline request* io_uring_driver::first_fed_by(const request& s) noexcept {
    for (auto* q = static_cast<request*>(s.next); q != &s; q = static_cast<request*>(q->next))
        if (is_fed_by(s, *q))
            return q;
    return nullptr;
}

/// Whether the kernel has one of those: since before s stood, or because s could not be put.
inline bool io_uring_driver::one_is_in_ring(const request& s) noexcept {
    for (auto* q = static_cast<request*>(s.next); q != &s; q = static_cast<request*>(q->next))
        if (is_fed_by(s, *q) && (q->progress & in_ring) != 0)
            return true;
    return false;
}

inline bool io_uring_driver::has_any(const request& s) noexcept {
    return s.kind == request_kind::accept ? !static_cast<const connections_ahead&>(s).empty()
                                          : !static_cast<const bytes_ahead&>(s).empty();
}

/// Whether @p q waits for something that is here already.
inline bool io_uring_driver::has_any_for(const entry& r, const request& q) noexcept {
    const request* s = q.kind == request_kind::wait_ready ? standing(r.waiting[index(q.way)]) : nullptr;
    return s && has_any(*s);
}

inline bool io_uring_driver::give(request& s, request& q) noexcept {
    if (s.kind == request_kind::accept)
        return static_cast<connections_ahead&>(s).give(static_cast<accept_request&>(q));
    auto& bytes = static_cast<bytes_ahead&>(s);
    return q.kind == request_kind::receive ? bytes.give(static_cast<receive_request&>(q))
                                           : bytes.give(static_cast<receive_block_request&>(q));
}

inline void io_uring_driver::destroy(request& s) noexcept {
    if (s.kind == request_kind::accept)
        delete static_cast<connections_ahead*>(&s);
    else
        delete static_cast<bytes_ahead*>(&s);
}

inline void io_uring_driver::put_standing(entry& r, request& s) noexcept {
    ring_entry* e = takes_back_ ? nullptr : ring_.next_entry();
    if (!e)
        return fall_behind(r);
    e->fd = r.handle;
    if (s.kind == request_kind::accept) {
        r.may_listen = true;
        e->opcode = IORING_OP_ACCEPT;
        e->ioprio = system::ring_constant::accept_multishot;
        e->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    } else {
        e->opcode = IORING_OP_RECV;
        e->ioprio = system::ring_constant::receive_multishot;
        e->flags = IOSQE_BUFFER_SELECT;
        e->buf_group = ring_buffers::group;
    }
    e->user_data = user_data_of(s);
    count_in(r, s);
}

/// The kernel is asked for more if somebody waits for it.
inline void io_uring_driver::put_if_wanted(entry& r, request& s) noexcept {
    if ((s.progress & in_ring) != 0)
        return;
    request* first = first_fed_by(s);
    if (!first || one_is_in_ring(s))
        return;
    if (starves(s)) {
        if (first->kind != request_kind::receive)
            return;
        forget_hunger(s);
        s.progress |= alone;  // it has its own memory
    }
    const bool is_possible = s.kind == request_kind::accept || buffers_.serve(ring_, *blocks.made());
    if (is_possible && (s.progress & alone) == 0) {
        forget_hunger(*first);  // since before s stood, or alone: s is to receive for it
        return put_standing(r, s);
    }
    s.progress &= static_cast<std::uint8_t>(~alone);
    put_again(r, *first);
}

inline void io_uring_driver::stop_if_unwanted(entry& r, request& s) noexcept {
    if (first_fed_by(s))
        return;
    forget_hunger(s);
    if ((s.progress & in_ring) != 0 && (s.progress & cancel_put) == 0)
        put_cancel(r, s);
}

/// Gives what there is to those that wait behind @p s.
inline void io_uring_driver::serve(entry& r, request& s, task_queue& ready) noexcept {
    auto& queue = r.waiting[index(s.way)];
    for (;;) {
        request* first = first_fed_by(s);
        if (!first || (first->progress & in_ring) != 0 || !give(s, *first))
            break;
        if (first->ec)
            note_closing(r, *first);
        queue.remove(*first);
        ready.push(*first);
    }
    if (!has_any(s))
        return;
    for (;;) {
        request* first = nullptr;
        queue.for_each([&](request& q) noexcept {
            if (q.kind != request_kind::wait_ready || (q.progress & cancel_put) != 0)
                return;
            if ((q.progress & in_ring) != 0)
                put_cancel(r, q);  // and conclude_failure() sees what it waits for
            else if (!first)
                first = &q;
        });
        if (!first)
            return;
        queue.remove(*first);
        first->answer();
        ready.push(*first);
    }
}

inline void io_uring_driver::on_standing(request& s, int result, unsigned flags, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(*s.handle);
    const bool has_ended = (flags & system::ring_constant::more_follows) == 0;
    const bool goes = (s.progress & cancel_asked) != 0;
    if (has_ended) {
        s.progress &= static_cast<std::uint8_t>(~(in_ring | cancelling));
        --in_flight_;
    }
    if (!goes && result > 0 && pass_on(r, s, result, flags, ready)) {
        if (has_ended)
            put_if_wanted(r, s);
    } else if (keep(s, result, flags); !goes) {
        serve(r, s, ready);
        const bool is_full = s.kind == request_kind::accept ? static_cast<connections_ahead&>(s).is_full()
                                                            : static_cast<bytes_ahead&>(s).is_full();
        if (s.kind == request_kind::receive_block)
            static_cast<bytes_ahead&>(s).leave_blocks_to_others();
        if (has_ended)
            put_if_wanted(r, s);
        else if (is_full && (s.progress & cancel_put) == 0)
            put_cancel(r, s);
    } else if (has_ended) {
        r.waiting[index(s.way)].remove(s);
        destroy(s);
    }
    if (!has_ended)
        return;
    // TRICKY: as in on_completion()
    const unsigned left = r.in_ring.load(std::memory_order_relaxed) - 1;
    r.in_ring.store(left, std::memory_order_release);
    if (r.has_gone && left == 0) {
        r.has_gone = false;
        registrations_.put_back(r);
    }
}

/// Bytes for which a buffer waits go there, and their block back to the kernel. False: they have to be kept.
inline bool io_uring_driver::pass_on(entry& r, request& s, int result, unsigned flags, task_queue& ready) noexcept {
    namespace constant = system::ring_constant;
    if (s.kind != request_kind::receive_block || (flags & constant::has_buffer) == 0 || has_any(s))
        return false;
    request* first = first_fed_by(s);
    if (!first || first->kind != request_kind::receive || (first->progress & in_ring) != 0)
        return false;
    auto& q = static_cast<receive_request&>(*first);
    const auto size = static_cast<std::size_t>(result);
    if (q.flags != 0 || q.count != 1 || q.buffers->iov_len < size)
        return false;
    std::memcpy(q.buffers->iov_base, blocks.made()->in_passing(flags >> constant::buffer_shift).memory, size);
    blocks.made()->put_again(flags >> constant::buffer_shift);
    q.bytes = size;
    q.answer();
    r.waiting[index(s.way)].remove(q);
    ready.push(q);
    return true;
}

inline void io_uring_driver::keep(request& s, int result, unsigned flags) noexcept {
    namespace constant = system::ring_constant;
    const bool is_taken_back = result == -ECANCELED || result == -EINTR;
    if (s.kind == request_kind::accept) {
        if (result >= 0)
            static_cast<connections_ahead&>(s).keep(result);
        else if (!is_taken_back)
            s.progress |= alone;  // what is wrong is for the next to find out
        return;
    }
    auto& bytes = static_cast<bytes_ahead&>(s);
    block_pool& free_blocks = *blocks.made();
    block* b = (flags & constant::has_buffer) != 0 ? &free_blocks.taken(flags >> constant::buffer_shift) : nullptr;
    if (result > 0 && b) {
        b->size = static_cast<std::size_t>(result);
        bytes.keep(*b);
        return;
    }
    if (b)
        free_blocks.give_back(*b);
    if (result == 0) {
        bytes.end_with(error::eof);
    } else if (result == -ENOBUFS) {
        const request* first = first_fed_by(s);
        if (first && first->kind == request_kind::receive)
            s.progress |= alone;  // it has its own
        else if (first)
            free_blocks.let_starve(bytes);
    } else if (result > 0 || result == -EAGAIN || result == -EFAULT || result == -EINVAL || result == -EOPNOTSUPP) {
        s.progress |= alone;
    } else if (!is_taken_back) {
        bytes.end_with(error_code(-result, boost::system::system_category()));
    }
}

}  // namespace rill::engine
