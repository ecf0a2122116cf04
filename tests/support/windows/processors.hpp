// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/windows/winsock.hpp>

#include <set>

/// The processors that this thread may run on, as the system tells: by setting them.
inline std::set<int> my_processors() {
    ::DWORD_PTR of_process = 0, all = 0;
    ::GetProcessAffinityMask(::GetCurrentProcess(), &of_process, &all);
    ::DWORD_PTR mine = ::SetThreadAffinityMask(::GetCurrentThread(), of_process);
    ::SetThreadAffinityMask(::GetCurrentThread(), mine);
    std::set<int> numbers;
    for (int i = 0; mine != 0; ++i, mine >>= 1)
        if (mine & 1)
            numbers.insert(i);
    return numbers;
}
