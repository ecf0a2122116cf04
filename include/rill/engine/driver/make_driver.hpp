// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/backend.hpp>
#include <rill/engine/driver/driver.hpp>

#include <memory>

namespace rill::engine {

/// Makes the driver that @p b asks for.
///
/// Throws  system_error: what the system says when it refuses; operation_not_supported, with the names of those that
///         there are, when RILL_BACKEND names one that is unknown
RILL_COLD RILL_DECL std::unique_ptr<driver> make_driver(backend b, threading t, const driver_options& options = {});

}  // namespace rill::engine

#include RILL_BODY(make_driver.ipp)
