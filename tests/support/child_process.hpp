// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <support/capabilities.hpp>

#if TEST_HAS_FORK
#include TEST_SYSTEM(child_process.hpp)
#endif
