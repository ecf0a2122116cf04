// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_DRIVERS

#include <vector>

/// Those of this platform's backends that are a poller under the reactor.
inline std::vector<rill::backend> reactor_backends() {
    std::vector<rill::backend> found;
    for (const auto& d : rill::engine::platform_drivers)
        if (d.which == rill::backend::epoll || d.which == rill::backend::kqueue || d.which == rill::backend::poll)
            found.push_back(d.which);
    return found;
}
