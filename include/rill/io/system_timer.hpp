// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/io/basic_waitable_timer.hpp>

namespace rill {

using system_timer = basic_waitable_timer<std::chrono::system_clock>;

}  // namespace rill
