// SPDX-License-Identifier: BSL-1.0
#pragma once

// As POSIX has it.
#include <rill/engine/system/posix/monotonic_condition.hpp>
