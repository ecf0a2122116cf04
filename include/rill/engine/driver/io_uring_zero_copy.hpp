// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/io_uring.hpp>

#include <cerrno>
#include <sys/socket.h>

namespace rill::engine {

// -- sends without a copy
//
// The kernel answers such a send twice: what has come of it, and, maybe much later, that it needs the bytes no more. In
// between the handle has nothing to do with it any more, and the ring must stay open.

inline void io_uring_driver::fill_send_zc(ring_entry& e, const entry& r, send_zc_request& q) noexcept {
    fill_transfer(e, q, false);
    e.msg_flags = static_cast<unsigned>(q.flags) | MSG_NOSIGNAL;
    // To note the pages of less is dearer than to copy them: Documentation/networking/msg_zerocopy.rst.
    constexpr std::size_t least = 16384;
    // A kernel's thread that submits leaves processes behind that cannot be killed: seen with Linux 6.18.
    if (q.is_copied || r.copies_all || q.asked < least || !support_.sends_without_copy || idle_ms_ != 0)
        return;
    stays_ = true;
    if (issuer_ != issuer::any_thread)
        return;
    if (e.opcode != IORING_OP_SEND) {
        e.opcode = system::ring_constant::operation_sendmsg_zc;
        return;
    }
    e.opcode = system::ring_constant::operation_send_zc;
    if (q.slot >= 0 && registered_.serve(ring_, memory_made(), q.slot, q.buffers->iov_base, e.len)) {
        e.ioprio = system::ring_constant::send_registered;
        e.buf_index = static_cast<std::uint16_t>(q.slot);
    }
}

/// True: @p q is to be tried again, with a copy.
inline bool io_uring_driver::does_not_do_without_copy(entry& r, send_zc_request& q, int error) noexcept {
    if (q.is_copied || (error != EOPNOTSUPP && error != EINVAL && error != ENOMEM && error != ENOBUFS))
        return false;
    q.is_copied = true;
    r.copies_all |= error == EOPNOTSUPP;
    return true;
}

inline void io_uring_driver::on_part(send_zc_request& q, int result, unsigned flags, task_queue& ready) noexcept {
    namespace constant = system::ring_constant;
    if ((flags & constant::notification) == 0) {
        owe(q);
        task_queue kept;
        on_completion(q, result, flags & ~constant::more_follows, kept);
        return;
    }
    --owed_;
    if (q.owed != 1) {
        --q.owed;
        return;
    }
    const bool goes_on = q.state == request_state::waiting;
    forgive(q, ready);
    if (goes_on)
        put_next(static_cast<entry&>(*q.handle), q.way);
}

inline void io_uring_driver::owe(send_zc_request& q) noexcept {
    ++owed_;
    if (q.owed++ != 0)
        return;
    q.owed_next = all_owed_;
    q.owed_before = &all_owed_;
    if (all_owed_)
        all_owed_->owed_before = &q.owed_next;
    all_owed_ = &q;
}

inline void io_uring_driver::forgive(send_zc_request& q, task_queue& ready) noexcept {
    q.owed = 0;
    *q.owed_before = q.owed_next;
    if (q.owed_next)
        q.owed_next->owed_before = q.owed_before;
    if (q.state == request_state::answered)
        ready.push(q);
}

inline void io_uring_driver::forgive_all(task_queue& ready) noexcept {
    owed_ = 0;
    while (all_owed_)
        forgive(*all_owed_, ready);
}

}  // namespace rill::engine
