// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/background_loop.hpp>
#include <rill/core/platform.hpp>
#include <rill/engine/driver/make_driver.hpp>

#include RILL_SYSTEM(thread.hpp)

#include <utility>

namespace rill::engine {

RILL_DECL background_loop::background_loop(execution_context& owner)
    : service(owner),
      loop_(new loop(make_driver(backend::best, threading::shared), threading::shared, &owner)),
      threads_(*loop_) {
    signals_blocked blocked;  // the thread has them blocked too: the user's signal handlers run on the user's threads
    try {
        threads_.start(1);
    } catch (...) {
        loop_->shut_down();
        throw;
    }
}

RILL_DECL background_loop::~background_loop() { shutdown(); }

RILL_DECL loop& background_loop::get() {
    if (!loop_)
        throw_error(error::operation_aborted, "rill: an I/O object on a context that is being destroyed");
    return *loop_;
}

RILL_DECL void background_loop::shutdown() noexcept {
    if (!loop_)
        return;
    loop_->stop();
    threads_.join();
    std::exchange(loop_, nullptr)->shut_down();
}

}  // namespace rill::engine
