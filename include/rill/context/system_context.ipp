// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/system_context.hpp>
#include <rill/engine/driver/make_driver.hpp>

#include <exception>

namespace rill {

RILL_DECL system_context::system_context()
    : loop_context(engine::make_driver(backend::best, engine::threading::shared), engine::threading::shared) {
    loop().work_started();  // for the context itself: its threads wait for work until stop()
    unsigned n = engine::thread::hardware_concurrency();
    auto run = [](void* l) {
        try {
            static_cast<engine::loop*>(l)->run(static_cast<std::size_t>(-1), engine::time_point::max());
        } catch (...) {
            std::terminate();  // there is nobody to catch what a function on this context throws
        }
    };
    try {
        for (unsigned i = 0; i < (n < 2 ? 2 : n); ++i)
            threads_.push_back(std::make_unique<engine::thread>(run, &loop()));
    } catch (...) {
        stop();
        join();
        loop().work_finished();
        throw;
    }
}

RILL_DECL system_context::~system_context() {
    stop();
    join();
    loop().work_finished();
}

RILL_DECL void system_context::join() noexcept {
    for (auto& t : threads_)
        t->join();
    threads_.clear();
}

RILL_DECL system_context& system_context::instance() {
    static system_context context;
    return context;
}

}  // namespace rill
