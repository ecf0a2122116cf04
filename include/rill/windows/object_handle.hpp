// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/windows/basic_object_handle.hpp>

namespace rill::windows {

using object_handle = basic_object_handle<>;

}  // namespace rill::windows
