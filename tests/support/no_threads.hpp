// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <support/capabilities.hpp>

#if TEST_CAN_REFUSE_THREADS
#include TEST_SYSTEM(no_threads.hpp)
#endif
