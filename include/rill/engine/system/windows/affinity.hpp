// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

#include RILL_SYSTEM(native.hpp)

#include <vector>

namespace rill::engine::system {

/// Where the calling thread may run: of the processor group that the process began in. Source: GetProcessAffinityMask()
inline std::vector<int> allowed_processors(error_code& ec) {
    ::DWORD_PTR mine = 0, all = 0;
    std::vector<int> numbers;
    if (!::GetProcessAffinityMask(::GetCurrentProcess(), &mine, &all)) {
        ec = error_code(static_cast<int>(::GetLastError()), boost::system::system_category());
        return numbers;
    }
    for (int i = 0; mine != 0; ++i, mine >>= 1)
        if (mine & 1)
            numbers.push_back(i);
    return numbers;
}

/// Lets @p thread run on one processor only. Source: SetThreadAffinityMask()
inline error_code pin_thread(::HANDLE thread, int processor) noexcept {
    constexpr int capacity = static_cast<int>(sizeof(::DWORD_PTR) * 8);
    if (processor < 0 || processor >= capacity)
        return error::invalid_argument;
    if (::SetThreadAffinityMask(thread, ::DWORD_PTR{1} << processor))
        return error_code();
    // "The parameter is incorrect": there is no such processor, or it is not for this process.
    return ::GetLastError() == ERROR_INVALID_PARAMETER
               ? error_code(error::invalid_argument)
               : error_code(static_cast<int>(::GetLastError()), boost::system::system_category());
}

}  // namespace rill::engine::system
