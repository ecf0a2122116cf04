// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/io/basic_waitable_timer.hpp>

namespace rill {

using steady_timer = basic_waitable_timer<std::chrono::steady_clock>;

}  // namespace rill
