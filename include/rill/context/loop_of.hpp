// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/loop_context.hpp>

namespace rill::engine {

/// The loop in the background of a context that is none itself, made now if this is the first time.
/// Throws  system_error: the system refuses a driver or a thread; operation_aborted: the context is being destroyed
RILL_COLD RILL_DECL loop& background_loop_of(execution_context& ctx);

/// The loop that serves I/O objects of @p ctx: the context itself, or one in the background.
/// Throws  what background_loop_of() throws
inline loop& loop_of(execution_context& ctx) {
    if (loop* l = loop_of_context(ctx)) [[likely]]
        return *l;
    return background_loop_of(ctx);
}

}  // namespace rill::engine

#include RILL_BODY(loop_of.ipp)
