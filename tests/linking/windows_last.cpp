// SPDX-License-Identifier: BSL-1.0
#include <rill/rill.hpp>

#if defined(WIN32_LEAN_AND_MEAN)
#error "a switch of the system's headers has been left set"
#endif

#include <windows.h>

// The two orders in one program.
int run_after_windows();

int main() { return run_after_windows() == 1 && ::GetCurrentProcessId() != 0 ? 0 : 1; }
