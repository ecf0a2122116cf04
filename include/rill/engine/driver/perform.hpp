// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/block_pool.hpp>
#include <rill/engine/request/request.hpp>

namespace rill::engine {

enum class outcome : unsigned char {
    answered,
    failed,                  ///< answered, with an error or the end
    answered_and_exhausted,  ///< answered, and the next call of this direction would block
    would_block,
    starved,  ///< there is no free block, and the request waits for one
};

// Each tries, without blocking, what @p q asks of @p handle.

outcome receive(native_handle handle, receive_request& q) noexcept;
outcome send(native_handle handle, send_request& q) noexcept;
/// The one of these two that is asked for, where it need not be in line.
RILL_COLD RILL_DECL outcome move_bytes(native_handle handle, transfer_request& q) noexcept;
RILL_DECL outcome accept(native_handle handle, accept_request& q) noexcept;
RILL_DECL outcome connect(native_handle handle, connect_request& q) noexcept;
RILL_DECL outcome receive(native_handle handle, receive_block_request& q, block_pool& blocks) noexcept;
RILL_DECL outcome look(native_handle handle, wait_request& q) noexcept;

}  // namespace rill::engine

#include RILL_BODY(perform.ipp)
