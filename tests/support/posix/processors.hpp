// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sched.h>
#include <set>

/// The processors that this thread may run on, as the system tells.
inline std::set<int> my_processors() {
    ::cpu_set_t set;
    CPU_ZERO(&set);
    std::set<int> numbers;
    if (::sched_getaffinity(0, sizeof(set), &set) == 0)
        for (int i = 0; i < CPU_SETSIZE; ++i)
            if (CPU_ISSET(i, &set))
                numbers.insert(i);
    return numbers;
}
