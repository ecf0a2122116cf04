// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/loop_context.hpp>

namespace rill::engine {

/// The loop that serves I/O objects of @p ctx.
/// Throws  operation_not_supported if the context does not run one
inline loop& loop_of(execution_context& ctx) {
    if (loop* l = loop_of_context(ctx)) [[likely]]
        return *l;
    throw_error(error::operation_not_supported, "rill: the execution context does not run I/O");
}

}  // namespace rill::engine
