// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <support/capabilities.hpp>

#if TEST_HAS_PROC
#include TEST_SYSTEM(no_more_descriptors.hpp)
#endif
