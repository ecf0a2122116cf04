// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <support/platform.hpp>

#include TEST_SYSTEM(processors.hpp)
