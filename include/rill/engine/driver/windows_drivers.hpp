// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/iocp.hpp>
#include <rill/engine/driver/platform_driver.hpp>

#include <memory>

namespace rill::engine {

inline std::unique_ptr<driver> make_iocp(threading t, const driver_options& options) {
    std::unique_ptr<iocp> d(new (options.memory) iocp(t, options));
    d->reserve(options.preallocated);
    return d;
}

inline constexpr platform_driver platform_drivers[] = {
    {backend::iocp, "iocp", &make_iocp},
};

/// Which of them is backend::best.
inline const platform_driver& best_driver() noexcept { return platform_drivers[0]; }

}  // namespace rill::engine
