// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_KERNEL(affinity.hpp)
