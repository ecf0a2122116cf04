// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/background_loop.hpp>
#include <rill/context/loop_of.hpp>

namespace rill::engine {

RILL_DECL loop& background_loop_of(execution_context& ctx) { return use_service<background_loop>(ctx).get(); }

}  // namespace rill::engine
