// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/kqueue.hpp>
#include <rill/engine/driver/platform_driver.hpp>
#include <rill/engine/driver/poll.hpp>

namespace rill::engine {

/// The best first.
inline constexpr platform_driver platform_drivers[] = {
    {backend::kqueue, "kqueue", &make_reactor<kqueue_poller>},
    {backend::poll, "poll", &make_reactor<poll_poller>},
};

}  // namespace rill::engine
