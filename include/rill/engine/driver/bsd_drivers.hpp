// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/kqueue.hpp>
#include <rill/engine/driver/make_reactor.hpp>
#include <rill/engine/driver/platform_driver.hpp>
#include <rill/engine/driver/poll.hpp>

namespace rill::engine {

inline constexpr platform_driver platform_drivers[] = {
    {backend::kqueue, "kqueue", &make_reactor<kqueue_poller>},
    {backend::poll, "poll", &make_reactor<poll_poller>},
};

/// Which of them is backend::best.
inline const platform_driver& best_driver() noexcept { return platform_drivers[0]; }

}  // namespace rill::engine
