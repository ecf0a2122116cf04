// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/forward.hpp>
#include <rill/context/loop_context.hpp>

#include RILL_SYSTEM(thread.hpp)

#include <memory>
#include <vector>

namespace rill {

/// The process-wide context behind system_executor: a loop with a thread for each processor, at least two, that starts
/// when it is first used and is stopped and joined at the end of the program. What is still queued then is destroyed.
class system_context : public loop_context {
public:
    using executor_type = system_executor;

    RILL_DECL ~system_context();

    executor_type get_executor() noexcept;

    /// Lets no more functions start.
    void stop() noexcept { loop().stop(); }
    bool stopped() const noexcept { return loop().stopped(); }

    /// Waits until the threads have ended, which they do after stop(). Not from one of them.
    RILL_COLD RILL_DECL void join() noexcept;

    /// The one object.
    /// Throws  system_error: the system refuses a driver or a thread
    RILL_COLD RILL_DECL static system_context& instance();

private:
    template <class Blocking, class Relationship, class Allocator>
    friend class basic_system_executor;

    RILL_COLD RILL_DECL system_context();

    std::vector<std::unique_ptr<engine::thread>> threads_;
};

}  // namespace rill

#include RILL_BODY(system_context.ipp)
