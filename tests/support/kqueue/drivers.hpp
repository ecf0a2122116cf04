// SPDX-License-Identifier: BSL-1.0
#pragma once

// RILL_DRIVERS of the test programs: Linux's list of drivers, and behind it kqueue's, on the emulation.

#define platform_drivers linux_drivers
#include <rill/engine/driver/linux_drivers.hpp>
#undef platform_drivers

#include <rill/engine/driver/kqueue.hpp>

#include <algorithm>
#include <array>
#include <iterator>

namespace rill::engine {

inline constexpr auto platform_drivers = [] {
    std::array<platform_driver, std::size(linux_drivers) + 1> all{};
    std::copy(std::begin(linux_drivers), std::end(linux_drivers), all.begin());
    all.back() = {backend::kqueue, "kqueue", &make_reactor<kqueue_poller>};
    return all;
}();

}  // namespace rill::engine
