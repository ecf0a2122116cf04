// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/request/request.hpp>

namespace rill::engine {

enum class outcome : unsigned char {
    answered,
    answered_and_exhausted,  ///< answered, and the next call of this direction would block
    would_block,
};

/// Tries, without blocking, what @p q asks of @p handle.
RILL_DECL outcome perform(native_handle handle, request& q) noexcept;

}  // namespace rill::engine

#include RILL_BODY(perform.ipp)
