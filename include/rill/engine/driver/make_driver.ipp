// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/make_driver.hpp>

#include RILL_DRIVERS

#include <cstdlib>
#include <string>
#include <string_view>

namespace rill::engine {

inline std::unique_ptr<driver> make(const platform_driver& d, threading t, const driver_options& options) {
    std::unique_ptr<driver> made = d.make(t, options);
    made->blocks.configure(options.memory, options.block_size, options.block_count);
    return made;
}

inline std::unique_ptr<driver> make_named_driver(std::string_view name, threading t, const driver_options& options) {
    std::string known;
    for (const auto& d : platform_drivers) {
        if (d.name == name)
            return make(d, t, options);
        known += known.empty() ? "" : ", ";
        known += d.name;
    }
    known = "rill: RILL_BACKEND is '" + std::string(name) + "'; this platform has: " + known;
    throw_error(error::operation_not_supported, known.c_str());
}

RILL_DECL std::unique_ptr<driver> make_driver(backend b, threading t, const driver_options& options) {
    if (b == backend::best) {
        if (const char* named = std::getenv("RILL_BACKEND"); named && *named)
            return make_named_driver(named, t, options);
        return make(best_driver(), t, options);
    }
    for (const auto& d : platform_drivers)
        if (d.which == b)
            return make(d, t, options);
    throw_error(error::operation_not_supported, "rill: this platform does not have the backend");
}

}  // namespace rill::engine
