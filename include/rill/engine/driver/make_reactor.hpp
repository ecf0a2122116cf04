// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/reactor.hpp>

#include <memory>

namespace rill::engine {

template <class Poller>
std::unique_ptr<driver> make_reactor(threading t, const driver_options& options) {
    std::unique_ptr<poller> p(new (options.memory) Poller(t, options));
    std::unique_ptr<reactor> r(new (options.memory) reactor(std::move(p), t, options.memory));
    r->reserve(options.preallocated);
    return r;
}

}  // namespace rill::engine
