// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

#include <cstddef>
#include <pthread.h>
#include <sched.h>
#include <vector>

namespace rill::engine::system {

/// Numbers of processors. There is room for as many as Linux can be built for: CONFIG_NR_CPUS is 8192 at most.
class processor_set {
public:
    static constexpr int capacity = 8192;

    bool contains(int processor) const noexcept {
        return CPU_ISSET_S(static_cast<std::size_t>(processor), sizeof(set_), set_) != 0;
    }
    /// @p processor must be in [0, capacity).
    void insert(int processor) noexcept { CPU_SET_S(static_cast<std::size_t>(processor), sizeof(set_), set_); }

    ::cpu_set_t* data() noexcept { return set_; }
    static constexpr std::size_t size() noexcept { return sizeof(set_); }

private:
    ::cpu_set_t set_[capacity / CPU_SETSIZE] = {};
};

/// Where the calling thread may run. Source: sched_getaffinity(2).
inline std::vector<int> allowed_processors(error_code& ec) {
    processor_set set;
    std::vector<int> numbers;
    if (::sched_getaffinity(0, processor_set::size(), set.data()) != 0)
        ec = error_code(errno, boost::system::system_category());
    else
        for (int i = 0; i < processor_set::capacity; ++i)
            if (set.contains(i))
                numbers.push_back(i);
    return numbers;
}

/// Lets @p t run on one processor only. Source: pthread_setaffinity_np(3).
inline error_code pin_thread(::pthread_t t, int processor) noexcept {
    if (processor < 0 || processor >= processor_set::capacity)
        return error::invalid_argument;
    processor_set set;
    set.insert(processor);
    return error_code(::pthread_setaffinity_np(t, processor_set::size(), set.data()), boost::system::system_category());
}

}  // namespace rill::engine::system
