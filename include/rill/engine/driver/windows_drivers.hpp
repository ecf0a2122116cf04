// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/backend.hpp>
#include <rill/engine/driver/iocp.hpp>

#include <memory>
#include <string_view>

namespace rill::engine {

struct platform_driver {
    backend which;
    std::string_view name;
    std::unique_ptr<driver> (*make)(threading, const driver_options&);
};

inline std::unique_ptr<driver> make_iocp(threading t, const driver_options& options) {
    std::unique_ptr<iocp> d(new (options.memory) iocp(t, options));
    d->reserve(options.preallocated);
    return d;
}

/// The best first.
inline constexpr platform_driver platform_drivers[] = {
    {backend::iocp, "iocp", &make_iocp},
};

}  // namespace rill::engine
