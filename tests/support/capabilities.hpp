// SPDX-License-Identifier: BSL-1.0
#pragma once

// What not every platform has that tests ask for: a test that needs it stands between #if and #endif. Those of one
// platform are in its file of that name, with the same names in each; docs/windows.md says why.

#include <support/platform.hpp>

#include TEST_SYSTEM(capabilities.hpp)
