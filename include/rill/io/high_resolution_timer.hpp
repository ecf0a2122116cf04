// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/io/basic_waitable_timer.hpp>

namespace rill {

using high_resolution_timer = basic_waitable_timer<std::chrono::high_resolution_clock>;

}  // namespace rill
