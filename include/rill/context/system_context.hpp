// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/forward.hpp>
#include <rill/context/loop_context.hpp>
#include <rill/engine/scheduler/loop_threads.hpp>

namespace rill {

/// The process-wide context behind system_executor: a loop with as many threads as the machine runs at once, two at
/// least, that starts when it is first used and is stopped and joined at the end of the program. What is still queued
/// then is destroyed. A function or handler that throws on one of its threads ends the program, by std::terminate().
///
/// Threads  every function from any thread; join() not from the context's own
class system_context : public loop_context {
public:
    using executor_type = system_executor;

    RILL_DECL ~system_context();

    executor_type get_executor() noexcept;

    /// Lets no more functions start.
    void stop() noexcept { loop().stop(); }
    bool stopped() const noexcept { return loop().stopped(); }

    /// Waits until the threads have ended: after stop(), or when there is no more work. They do not start again.
    /// Throws  resource_deadlock_would_occur: this is one of them
    void join() { threads_.join(); }

    /// The one object.
    /// Throws  system_error: the system refuses a driver or a thread
    RILL_COLD RILL_DECL static system_context& instance();

private:
    template <class Blocking, class Relationship, class Allocator>
    friend class basic_system_executor;

    RILL_COLD RILL_DECL system_context();

    engine::loop_threads threads_;
};

}  // namespace rill

#include RILL_BODY(system_context.ipp)
