// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/scheduler/loop.hpp>
#include <rill/engine/scheduler/loop_threads.hpp>
#include <rill/execution/execution_context.hpp>

namespace rill::engine {

/// The loop that serves the I/O objects of a context which is none itself, with a thread of its own: a service of that
/// context, made with its first I/O object. It runs no handler: each goes to its executor.
///
/// The loop is a shared one, so that operations are started, cancelled and closed on the thread that asks for it.
class background_loop final : public execution_context::service {
public:
    /// Throws  system_error: the system refuses a driver or a thread
    RILL_COLD RILL_DECL explicit background_loop(execution_context& owner);
    RILL_COLD RILL_DECL ~background_loop() override;

    /// Throws  operation_aborted: the context is being destroyed
    RILL_COLD RILL_DECL loop& get();

private:
    RILL_COLD RILL_DECL void shutdown() noexcept override;

    loop* loop_;  // frees itself; null once it is shut down
    loop_threads threads_;
};

}  // namespace rill::engine

#include RILL_BODY(background_loop.ipp)
