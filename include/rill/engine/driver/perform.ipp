// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/perform.hpp>

#include RILL_SYSTEM(descriptor.hpp)
#include RILL_SYSTEM(socket_calls.hpp)

namespace rill::engine {

RILL_DECL outcome conclude_failure(request& q, system::transfer_result failed) noexcept {
    if (system::transfer_would_block(failed))
        return outcome::would_block;
    q.answer(system::error_of(failed));
    return outcome::failed;
}

RILL_INLINE outcome conclude_receive(receive_request& q, system::transfer_result n, bool at_boundary) noexcept {
    if (n < 0)
        return conclude_failure(q, n);
    q.bytes = static_cast<std::size_t>(n);
    if (n == 0 && q.stream != stream_kind::none) {
        q.answer(error::eof);
        return outcome::failed;
    }
    q.answer();
    // Only a plain read: MSG_OOB and MSG_PEEK are short for other reasons.
    bool carrier_tells = q.stream == stream_kind::tcp || q.stream == stream_kind::local;
    bool exhausted = carrier_tells && q.bytes < q.asked && q.flags == 0 && !at_boundary;
    return exhausted ? outcome::answered_and_exhausted : outcome::answered;
}

RILL_DECL outcome receive_specially(native_handle handle, receive_request& q) noexcept {
    // Asked too early for urgent data, the system says "invalid argument" and not "not now".
    if (q.way == direction::exceptional && !system::is_ready(handle, system::readiness::exceptional))
        return outcome::would_block;
    bool at_boundary = false;
    auto n = q.stream == stream_kind::local ? system::receive_local(handle, q.buffers, q.count, q.flags, at_boundary)
                                            : system::receive(handle, q.buffers, q.count, q.flags);
    return conclude_receive(q, n, at_boundary);
}

RILL_INLINE outcome receive(native_handle handle, receive_request& q) noexcept {
    if (q.way == direction::exceptional || q.stream == stream_kind::local)
        return receive_specially(handle, q);
    return conclude_receive(q, system::receive(handle, q.buffers, q.count, q.flags), false);
}

// A block is taken even if there is nothing to receive then: the calls that tell are no cheaper than this one.
RILL_DECL outcome receive(native_handle handle, receive_block_request& q, block_pool& blocks) noexcept {
    block* b = blocks.take(q);
    if (!b)
        return outcome::starved;
    native_buffer memory = make_native_buffer(b->memory, blocks.block_size());
    bool at_boundary = false;
    const auto n = q.stream == stream_kind::local ? system::receive_local(handle, &memory, 1, 0, at_boundary)
                                                  : system::receive(handle, &memory, 1, 0);
    if (n <= 0) {
        blocks.give_back(*b);
        if (n < 0)
            return conclude_failure(q, n);
        q.answer(error::eof);
        return outcome::failed;
    }
    b->size = static_cast<std::size_t>(n);
    q.received = b;
    q.answer();
    const bool carrier_tells = q.stream == stream_kind::tcp || q.stream == stream_kind::local;
    const bool exhausted = carrier_tells && b->size < blocks.block_size() && !at_boundary;
    return exhausted ? outcome::answered_and_exhausted : outcome::answered;
}

RILL_INLINE outcome send(native_handle handle, send_request& q) noexcept {
    auto n = system::send(handle, q.buffers, q.count, q.flags);
    if (n < 0)
        return conclude_failure(q, n);
    q.bytes = static_cast<std::size_t>(n);
    q.answer();
    return outcome::answered;
}

RILL_DECL outcome move_bytes(native_handle handle, transfer_request& q) noexcept {
    return q.kind == request_kind::receive ? receive(handle, static_cast<receive_request&>(q))
                                           : send(handle, static_cast<send_request&>(q));
}

RILL_DECL outcome accept(native_handle handle, accept_request& q) noexcept {
    for (;;) {
        error_code ec;
        native_address_size size = q.peer_size;
        native_handle accepted = system::accept(handle, q.peer, q.peer ? &size : nullptr, ec);
        if (accepted != no_handle) {
            q.accepted = accepted;
            q.peer_size = size;
            q.answer();
            return outcome::answered;
        }
        if (system::would_block(ec))
            return outcome::would_block;
        // The connection went away while it waited (accept(2)): take the next.
        if (ec.value() == error_number::connection_aborted && !q.report_aborted)
            continue;
        q.answer(ec);
        return outcome::failed;
    }
}

RILL_DECL outcome connect(native_handle handle, connect_request& q) noexcept {
    if (!q.under_way) {
        error_code ec;
        if (system::connect(handle, &q.peer, q.peer_size, ec)) {
            q.answer();
            return outcome::answered;
        }
        if (ec.value() == error_number::in_progress) {
            q.under_way = true;
            return outcome::would_block;
        }
        // A local socket whose listener's queue is full says EAGAIN, and no edge will follow: that is an answer.
        q.answer(ec);
        return outcome::failed;
    }
    // An edge may be older than the attempt: ask whether it is over, and only then how it went.
    if (!system::is_ready(handle, system::readiness::write))
        return outcome::would_block;
    q.answer(system::pending_error(handle));
    return q.ec ? outcome::failed : outcome::answered;
}

RILL_DECL outcome look(native_handle handle, wait_request& q) noexcept {
    constexpr system::readiness wanted[3] = {system::readiness::read, system::readiness::write,
                                             system::readiness::exceptional};
    if (!system::is_ready(handle, wanted[static_cast<std::size_t>(q.way)]))
        return outcome::would_block;
    q.answer();
    return outcome::answered;
}

}  // namespace rill::engine
