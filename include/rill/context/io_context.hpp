// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/loop_context.hpp>
#include <rill/context/loop_executor.hpp>
#include <rill/engine/driver/make_driver.hpp>

#include <chrono>
#include <cstddef>
#include <limits>

namespace rill {

/// Runs handlers: those of I/O and timers as they complete, and posted functions, on the threads that call run().
///
/// Threads  every function from any thread. With the concurrency hint 1 one thread at a time may be inside run(), and
///          its own work then takes no lock; without it, or with more, any number
class io_context : public loop_context {
public:
    using executor_type = loop_executor<io_context>;
    using count_type = std::size_t;
    class strand;  // in io_context_strand.hpp

    /// Throws  system_error: the backend is not to be had; RILL_BACKEND in the environment names none that is here
    io_context() : io_context(default_hint) {}
    explicit io_context(int concurrency_hint, backend b = backend::best)
        : io_context(engine::make_driver(b, engine::mode_for(concurrency_hint)), concurrency_hint) {}
    explicit io_context(backend b, int concurrency_hint = default_hint) : io_context(concurrency_hint, b) {}

    /// With services to begin with: a configuration, which then says how many threads and which backend.
    /// Throws  system_error as above; invalid_argument, with what is wrong in its message: the configuration
    explicit io_context(const service_maker& initial_services) : loop_context(initial_services) {}

    /// In memory of @p a, see execution_context.
    template <class Allocator>
    io_context(std::allocator_arg_t tag, const Allocator& a, int concurrency_hint = default_hint,
               backend b = backend::best)
        : loop_context(tag, a, engine::loop_options{concurrency_hint, b, {}}) {}
    template <class Allocator>
    io_context(std::allocator_arg_t tag, const Allocator& a, const service_maker& initial_services)
        : loop_context(tag, a, initial_services) {}

    /// On a driver of the caller's own, for tests.
    explicit io_context(std::unique_ptr<engine::driver> d, int concurrency_hint = 1)
        : loop_context(std::move(d), engine::mode_for(concurrency_hint)) {}

    class service;

    executor_type get_executor() noexcept { return executor_type(engine::loop_reference(loop()), {}); }

    /// What runs: "epoll", "poll", ...
    const char* backend_name() const noexcept { return loop().backend_name(); }

    /// Runs handlers until there is no more work, or until stop(). Returns how many it ran.
    /// Throws  what a handler throws: run() may then be called again, nothing is lost
    count_type run() { return run_loop(no_limit, (engine::time_point::max)()); }

    /// Runs one handler, waiting for it. 0: stopped, or no work left.
    count_type run_one() { return run_loop(1, (engine::time_point::max)()); }

    /// run(), for no longer than @p duration; a negative one is as 0.
    template <class Rep, class Period>
    count_type run_for(const std::chrono::duration<Rep, Period>& duration) {
        return run_loop(no_limit, after(duration));
    }
    template <class Clock, class Duration>
    count_type run_until(const std::chrono::time_point<Clock, Duration>& time) {
        return run_for(until(time));
    }
    template <class Rep, class Period>
    count_type run_one_for(const std::chrono::duration<Rep, Period>& duration) {
        return run_loop(1, after(duration));
    }
    template <class Clock, class Duration>
    count_type run_one_until(const std::chrono::time_point<Clock, Duration>& time) {
        return run_one_for(until(time));
    }

    /// Runs what is ready, without waiting.
    count_type poll() { return run_loop(no_limit, (engine::time_point::min)()); }
    count_type poll_one() { return run_loop(1, (engine::time_point::min)()); }

    /// Makes every run() return as soon as its handler has. What is not delivered yet waits for the next run().
    void stop() noexcept { loop().stop(); }

    /// After stop(), or when run() ran out of work: run() returns at once until restart().
    bool stopped() const noexcept { return loop().stopped(); }
    void restart() noexcept { loop().restart(); }

private:
    static constexpr int default_hint = config_from_concurrency_hint::default_hint;
    static constexpr std::size_t no_limit = (std::numeric_limits<std::size_t>::max)();

    count_type run_loop(std::size_t most, engine::time_point until) {
        assert_alive();
        return loop().run(most, until);
    }

    template <class Clock, class Duration>
    static auto until(const std::chrono::time_point<Clock, Duration>& time) {
        auto now = Clock::now();
        return time > now ? time - now : decltype(time - now)::zero();
    }

    template <class Duration>
    engine::time_point after(const Duration& duration) const {
        engine::time_point now = loop().now();
        if (duration <= Duration::zero())
            return now;
        if (std::chrono::duration<double>(duration) >= std::chrono::duration<double>((engine::time_point::max)() - now))
            return (engine::time_point::max)() - engine::time_point::duration(1);
        return now + std::chrono::ceil<engine::time_point::duration>(duration);
    }
};

/// The base of services that are made with an io_context&: for io_context alone.
class io_context::service : public execution_context::service {
public:
    io_context& get_io_context() noexcept { return owner_; }

protected:
    explicit service(io_context& owner) noexcept : execution_context::service(owner), owner_(owner) {}

private:
    io_context& owner_;
};

}  // namespace rill
