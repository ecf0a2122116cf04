// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/backend.hpp>
#include <rill/engine/driver/epoll.hpp>
#include <rill/engine/driver/poll.hpp>

#include <memory>
#include <string_view>

namespace rill::engine {

struct platform_driver {
    backend which;
    std::string_view name;
    std::unique_ptr<driver> (*make)(threading);
};

template <class Poller>
std::unique_ptr<driver> make_reactor(threading t) {
    return std::make_unique<reactor>(std::make_unique<Poller>(t), t);
}

/// The best first.
inline constexpr platform_driver platform_drivers[] = {
    {backend::epoll, "epoll", &make_reactor<epoll_poller>},
    {backend::poll, "poll", &make_reactor<poll_poller>},
};

}  // namespace rill::engine
