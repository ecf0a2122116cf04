// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/windows/basic_overlapped_handle.hpp>

namespace rill::windows {

using overlapped_handle = basic_overlapped_handle<>;

}  // namespace rill::windows
