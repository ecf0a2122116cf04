// SPDX-License-Identifier: BSL-1.0

// The system's header comes before the library's, with all that it has, and with the macros that MSVC's gives to C++, too. The
// standard library of MinGW does not stand those: so all that is used of it comes first.

#include <windows.h>

#include <bits/stdc++.h>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#if !defined(min)
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#endif

#include <rill/rill.hpp>

#if defined(WIN32_LEAN_AND_MEAN)
#error "a switch of the system's headers has been left set"
#endif

// They are what they were.
static_assert(max(1, 2) == 2 && min(1, 2) == 1 && ERROR == 0);

int run_after_windows() {
    rill::io_context io(1);
    rill::steady_timer timer(io, std::chrono::milliseconds(1));
    int fired = 0;
    timer.async_wait([&](rill::error_code ec) { fired += !ec; });
    io.run();
    return fired;
}
