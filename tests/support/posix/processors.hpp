// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/sharded_context.hpp>

#include <set>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

/// The processors that this thread may run on, as the system tells.
inline std::set<int> my_processors() {
#if defined(__linux__)
    ::cpu_set_t set;
    CPU_ZERO(&set);
    std::set<int> numbers;
    if (::sched_getaffinity(0, sizeof(set), &set) == 0)
        for (int i = 0; i < CPU_SETSIZE; ++i)
            if (CPU_ISSET(i, &set))
                numbers.insert(i);
    return numbers;
#else
    const std::vector<int> all = rill::allowed_processors();  // no call tells
    return std::set<int>(all.begin(), all.end());
#endif
}
