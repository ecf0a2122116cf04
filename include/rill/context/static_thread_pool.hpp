// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/thread_pool.hpp>

namespace rill {

/// The standard proposals' name for it.
using static_thread_pool = thread_pool;

}  // namespace rill
