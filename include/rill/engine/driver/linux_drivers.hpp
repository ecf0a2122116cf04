// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/epoll.hpp>
#include <rill/engine/driver/io_uring.hpp>
#include <rill/engine/driver/make_reactor.hpp>
#include <rill/engine/driver/platform_driver.hpp>
#include <rill/engine/driver/poll.hpp>

namespace rill::engine {

/// Falls back to epoll where the system refuses: what it has not, and what it has no memory for.
RILL_COLD inline std::unique_ptr<driver> make_io_uring(threading t, const driver_options& options) {
    const ring_wishes wishes = read_ring_wishes();
    const ring_support support = tried_ring();
    if (!support.refused) {
        try {
            return std::unique_ptr<driver>(new (options.memory) io_uring_driver(t, options, wishes, support));
        } catch (const system_error&) {
            // A limit, or a filter of system calls that came after the first try.
        }
    }
    return make_reactor<epoll_poller>(t, options);
}

/// Beside its name, what makes it.
inline constexpr platform_driver platform_drivers[] = {
    {backend::epoll, "epoll", &make_reactor<epoll_poller>},
    {backend::io_uring, "io_uring", &make_io_uring},
    {backend::poll, "poll", &make_reactor<poll_poller>},
};

/// Which of them is backend::best.
inline const platform_driver& best_driver() noexcept { return platform_drivers[prefers_ring() ? 1 : 0]; }

}  // namespace rill::engine
