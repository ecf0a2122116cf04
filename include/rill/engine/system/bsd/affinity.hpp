// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

#include <cerrno>
#include <cstddef>
#include <numeric>
#include <pthread.h>
#include <unistd.h>
#include <vector>

namespace rill::engine::system {

/// Numbers of the processors that are there. The BSDs have no call in common that ties a thread to one, and macOS has none.
inline std::vector<int> allowed_processors(error_code& ec) {
    const long n = ::sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 0)
        ec = error_code(errno, boost::system::system_category());
    std::vector<int> numbers(n > 0 ? static_cast<std::size_t>(n) : 0);
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
}

/// Refuses.
inline error_code pin_thread(::pthread_t, int processor) noexcept {
    return processor < 0 ? error::invalid_argument : error::operation_not_supported;
}

}  // namespace rill::engine::system
