// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/thread_pool.hpp>
#include <rill/core/error.hpp>
#include <rill/core/platform.hpp>
#include <rill/engine/driver/make_driver.hpp>

#include RILL_SYSTEM(thread.hpp)

#include <limits>

namespace rill {

RILL_DECL thread_pool::thread_pool() : thread_pool(default_count()) {}

RILL_DECL thread_pool::thread_pool(std::size_t threads, backend b)
    : loop_context(engine::make_driver(b, engine::threading::shared), engine::threading::shared), threads_(loop()) {
    start(threads);
}

RILL_DECL thread_pool::thread_pool(std::size_t threads, const service_maker& initial_services)
    : loop_context(initial_services, engine::threading::shared), threads_(loop()) {
    start(threads);
}

RILL_DECL std::size_t thread_pool::default_count() { return engine::thread::default_count(); }

RILL_DECL void thread_pool::start(std::size_t threads) {
    if (threads > static_cast<std::size_t>((std::numeric_limits<int>::max)())) {
        threads_.join();
        throw_error(error::invalid_argument, "thread_pool: number of threads");
    }
    threads_.start(threads);
}

RILL_DECL thread_pool::~thread_pool() {
    RILL_ASSERT(!loop().runs_here() && "a pool is destroyed by one of its own threads");
    stop();
    join();
}

}  // namespace rill
