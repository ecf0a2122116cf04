// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/system_context.hpp>
#include <rill/core/platform.hpp>
#include <rill/engine/driver/make_driver.hpp>

#include RILL_SYSTEM(environment.hpp)
#include RILL_SYSTEM(thread.hpp)

namespace rill {

RILL_DECL system_context::system_context()
    : loop_context(engine::make_driver(backend::best, engine::threading::shared), engine::threading::shared),
      threads_(loop()) {
    threads_.start(engine::thread::default_count());
}

RILL_DECL system_context::~system_context() {
    stop();
    join();
}

RILL_DECL system_context& system_context::instance() {
    // A process made by fork() has none of the threads: to join them it would wait for ever. It leaves the object behind.
    struct owner {
        system_context* const context = new system_context;
        const long process = engine::system::process_number();
        ~owner() {
            if (process == engine::system::process_number())
                delete context;
        }
    };
    static const owner only;
    return *only.context;
}

}  // namespace rill
