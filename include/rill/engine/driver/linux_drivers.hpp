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
    std::unique_ptr<driver> (*make)(threading, const driver_options&);
};

template <class Poller>
std::unique_ptr<driver> make_reactor(threading t, const driver_options& options) {
    std::unique_ptr<poller> p(new (options.memory) Poller(t, options));
    std::unique_ptr<reactor> r(new (options.memory) reactor(std::move(p), t, options.memory));
    r->reserve(options.preallocated);
    return r;
}

/// The best first.
inline constexpr platform_driver platform_drivers[] = {
    {backend::epoll, "epoll", &make_reactor<epoll_poller>},
    {backend::poll, "poll", &make_reactor<poll_poller>},
};

}  // namespace rill::engine
