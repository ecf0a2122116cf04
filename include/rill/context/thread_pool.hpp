// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/blocking_executor.hpp>
#include <rill/context/loop_context.hpp>
#include <rill/context/loop_executor.hpp>
#include <rill/engine/driver/backend.hpp>
#include <rill/engine/scheduler/loop_threads.hpp>

#include <cstddef>

namespace rill {
class thread_pool;
}

namespace rill::engine {
template <>
inline constexpr bool has_own_threads<thread_pool> = true;
}

namespace rill {

/// Runs functions and handlers on threads of its own. It is a loop like io_context, so sockets and timers work on it.
///
/// A function or handler that throws ends the program, by std::terminate(): nobody is there to catch it.
///
/// Threads  every function from any thread; join() and wait() not from the pool's own
class thread_pool : public loop_context {
public:
    using executor_type = loop_executor<thread_pool>;

    /// As many threads as the machine runs at once, and two at least.
    /// Throws  system_error: the backend is not to be had, or the system has no more threads
    RILL_COLD RILL_DECL thread_pool();

    /// @p threads may be 0: then it is run by those that attach().
    /// Throws  the same; invalid_argument: more threads than an int counts
    RILL_COLD RILL_DECL explicit thread_pool(std::size_t threads, backend b = backend::best);

    /// With services to begin with: a configuration, which does not say how many threads.
    /// Throws  the same, with what is wrong in the configuration in its message
    RILL_COLD RILL_DECL thread_pool(std::size_t threads, const service_maker& initial_services);

    /// In memory of @p a, see execution_context.
    template <class Allocator>
    thread_pool(std::allocator_arg_t tag, const Allocator& a) : thread_pool(tag, a, default_count()) {}
    template <class Allocator>
    thread_pool(std::allocator_arg_t tag, const Allocator& a, std::size_t threads, backend b = backend::best)
        : loop_context(tag, a, engine::loop_options{config_from_concurrency_hint::default_hint, b, {}}),
          threads_(loop()) {
        start(threads);
    }
    template <class Allocator>
    thread_pool(std::allocator_arg_t tag, const Allocator& a, std::size_t threads,
                const service_maker& initial_services)
        : loop_context(tag, a, initial_services, engine::threading::shared), threads_(loop()) {
        start(threads);
    }

    /// stop() and join(). What has not been run is destroyed.
    RILL_COLD RILL_DECL ~thread_pool();

    executor_type get_executor() noexcept { return executor_type(engine::loop_reference(loop()), {}); }
    executor_type executor() noexcept { return get_executor(); }

    /// Lets no more functions start. Those that run go on to their end; the threads, attached ones too, end then.
    void stop() noexcept { loop().stop(); }

    /// The calling thread becomes one of the pool's, until the pool is stopped, or joined and out of work. It returns at
    /// once if that is so already: another thread may be faster, so that is no mistake.
    void attach() noexcept {
        assert_alive();
        threads_.attach();
    }

    /// Waits until the pool's threads have ended, attached ones too: after stop(), or when there is no more work, such as
    /// queued functions, operations, work guards.
    /// Throws  resource_deadlock_would_occur: this is one of the pool's threads
    void join() { threads_.join(); }
    void wait() { threads_.join(); }

    /// How many threads run it now, attached ones too. That many functions can run at the same time.
    std::size_t occupancy() const noexcept { return threads_.count(); }

    /// What runs: "epoll", "poll", ...
    const char* backend_name() const noexcept { return loop().backend_name(); }

private:
    RILL_COLD RILL_DECL static std::size_t default_count();
    RILL_COLD RILL_DECL void start(std::size_t threads);

    engine::loop_threads threads_;
};

}  // namespace rill

#include RILL_BODY(thread_pool.ipp)
