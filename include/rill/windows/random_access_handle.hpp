// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/windows/basic_random_access_handle.hpp>

namespace rill::windows {

using random_access_handle = basic_random_access_handle<>;

}  // namespace rill::windows
