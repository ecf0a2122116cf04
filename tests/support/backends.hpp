// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_DRIVERS

#include <iterator>
#include <string>
#include <vector>

/// The platform's backends, for tests that are about more than the one they run on.
namespace backends {

struct named {
    rill::backend which;
    std::string name;
};

inline named nth(std::size_t i) {
    const auto& d = rill::engine::platform_drivers[i];
    return {d.which, std::string(d.name)};
}

inline constexpr std::size_t count = std::size(rill::engine::platform_drivers);

/// What "best" comes to.
inline named best() {
    const auto& d = rill::engine::best_driver();
    return {d.which, std::string(d.name)};
}

/// Another one, if there is one.
inline named other() { return nth(count - 1); }

inline std::vector<rill::backend> all() {
    std::vector<rill::backend> found;
    for (std::size_t i = 0; i != count; ++i)
        found.push_back(nth(i).which);
    return found;
}

/// "epoll, poll"
inline std::string names() {
    std::string all = nth(0).name;
    for (std::size_t i = 1; i != count; ++i)
        all += ", " + nth(i).name;
    return all;
}

}  // namespace backends

/// Those of this platform's backends that are a poller under the reactor.
inline std::vector<rill::backend> reactor_backends() {
    std::vector<rill::backend> found;
    for (const auto& d : rill::engine::platform_drivers)
        if (d.which == rill::backend::epoll || d.which == rill::backend::kqueue || d.which == rill::backend::poll)
            found.push_back(d.which);
    return found;
}
