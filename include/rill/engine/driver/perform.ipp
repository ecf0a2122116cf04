// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/perform.hpp>

#include RILL_SYSTEM(descriptor.hpp)
#include RILL_SYSTEM(socket_calls.hpp)

namespace rill::engine {

inline outcome receive(native_handle handle, receive_request& q) noexcept {
    // Asked too early for urgent data, the system says "invalid argument" and not "not now".
    if (q.way == direction::exceptional && !system::is_ready(handle, system::readiness::exceptional))
        return outcome::would_block;
    bool at_boundary = false;
    error_code ec;
    auto n = q.stream == stream_kind::local
                 ? system::receive_local(handle, q.buffers, q.count, q.flags, at_boundary, ec)
                 : system::receive(handle, q.buffers, q.count, q.flags, ec);
    if (n < 0) {
        if (system::would_block(ec))
            return outcome::would_block;
        q.answer(ec);
        return outcome::answered;
    }
    q.bytes = static_cast<std::size_t>(n);
    q.answer();
    if (n == 0 && q.stream != stream_kind::none) {
        q.ec = error::eof;
        return outcome::answered;
    }
    // Only a plain read: MSG_OOB and MSG_PEEK are short for other reasons.
    bool carrier_tells = q.stream == stream_kind::tcp || q.stream == stream_kind::local;
    bool exhausted = carrier_tells && q.bytes < q.asked && q.flags == 0 && !at_boundary;
    return exhausted ? outcome::answered_and_exhausted : outcome::answered;
}

inline outcome send(native_handle handle, send_request& q) noexcept {
    error_code ec;
    auto n = system::send(handle, q.buffers, q.count, q.flags, ec);
    if (n < 0) {
        if (system::would_block(ec))
            return outcome::would_block;
        q.answer(ec);
        return outcome::answered;
    }
    q.bytes = static_cast<std::size_t>(n);
    q.answer();
    return outcome::answered;
}

inline outcome accept(native_handle handle, accept_request& q) noexcept {
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
        return outcome::answered;
    }
}

inline outcome connect(native_handle handle, connect_request& q) noexcept {
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
        return outcome::answered;
    }
    // An edge may be older than the attempt: ask whether it is over, and only then how it went.
    if (!system::is_ready(handle, system::readiness::write))
        return outcome::would_block;
    q.answer(system::pending_error(handle));
    return outcome::answered;
}

inline outcome look(native_handle handle, wait_request& q) noexcept {
    constexpr system::readiness wanted[3] = {system::readiness::read, system::readiness::write,
                                             system::readiness::exceptional};
    if (!system::is_ready(handle, wanted[static_cast<std::size_t>(q.way)]))
        return outcome::would_block;
    q.answer();
    return outcome::answered;
}

RILL_DECL outcome perform(native_handle handle, request& q) noexcept {
    switch (q.kind) {
    case request_kind::receive: return receive(handle, static_cast<receive_request&>(q));
    case request_kind::send: return send(handle, static_cast<send_request&>(q));
    case request_kind::accept: return accept(handle, static_cast<accept_request&>(q));
    case request_kind::connect: return connect(handle, static_cast<connect_request&>(q));
    case request_kind::wait_ready: return look(handle, static_cast<wait_request&>(q));
    case request_kind::wait_until: break;  // the loop keeps those
    }
    RILL_ASSERT(false);
    return outcome::would_block;
}

}  // namespace rill::engine
