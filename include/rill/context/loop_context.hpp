// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/scheduler/loop.hpp>
#include <rill/execution/execution_context.hpp>

#include <memory>

namespace rill {

/// An execution context that is a run loop: what io_context and system_context have in common.
class loop_context : public execution_context {
protected:
    loop_context(std::unique_ptr<engine::driver> d, engine::threading t)
        : loop_(new engine::loop(std::move(d), t, this)) {
        execution_context::loop_ = loop_;
    }

    /// Services let go first, then the handlers and coroutine frames go, then the services.
    ~loop_context() {
        shutdown();
        loop_->shut_down();
        destroy();
    }

    engine::loop& loop() const noexcept { return *loop_; }

private:
    engine::loop* loop_;  // frees itself, when the last guard is gone
};

/// The loop that runs in @p ctx; null if it is not a loop.
inline engine::loop* loop_of_context(execution_context& ctx) noexcept { return ctx.loop_; }

}  // namespace rill
