// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <crt_externs.h>

namespace rill::engine::system {

/// The environment of the process: strings "NAME=value", and null behind the last. A shared library has no `environ`:
/// environ(7).
inline const char* const* environment() noexcept { return *::_NSGetEnviron(); }

}  // namespace rill::engine::system
