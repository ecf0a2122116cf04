// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/backend.hpp>
#include <rill/engine/driver/driver.hpp>

#include <memory>
#include <string_view>

namespace rill::engine {

/// A line of a platform's list of drivers.
struct platform_driver {
    backend which;
    std::string_view name;
    std::unique_ptr<driver> (*make)(threading, const driver_options&);
};

}  // namespace rill::engine
