// SPDX-License-Identifier: BSL-1.0
#pragma once

// The one file of the tests that asks which platform this is.

#if defined(_WIN32)
#define TEST_SYSTEM(file) <support/windows/file>
#else
#define TEST_SYSTEM(file) <support/posix/file>
#endif
