// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/windows/basic_stream_handle.hpp>

namespace rill::windows {

using stream_handle = basic_stream_handle<>;

}  // namespace rill::windows
