// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/system_context.hpp>
#include <rill/core/platform.hpp>
#include <rill/engine/driver/make_driver.hpp>

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
    static system_context context;
    return context;
}

}  // namespace rill
