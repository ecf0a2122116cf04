// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/loop_of.hpp>
#include <rill/execution/any_io_executor.hpp>
#include <rill/execution/executor_or_context.hpp>
#include <rill/io/clock_wait.hpp>
#include <rill/io/forward.hpp>
#include <rill/io/timer_handle.hpp>
#include <rill/io/wait_traits.hpp>
#include <rill/operation/operation.hpp>
#include <rill/token/async_result.hpp>
#include <rill/token/deferred.hpp>

#include RILL_SYSTEM(descriptor.hpp)

#include <chrono>
#include <concepts>
#include <utility>

namespace rill {

/// Waits for a point in time of @p Clock. Any number of waits may be pending; setting the expiry again ends them with
/// operation_aborted.
///
/// Data     destroying the timer ends its waits with operation_aborted; moving it does not disturb them
/// Threads  one timer by one thread at a time
template <class Clock, class WaitTraits, class Executor>
class basic_waitable_timer {
public:
    using executor_type = Executor;
    using clock_type = Clock;
    using duration = typename Clock::duration;
    using time_point = typename Clock::time_point;
    using traits_type = WaitTraits;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_waitable_timer<Clock, WaitTraits, OtherExecutor>;
    };

    /// A timer that has expired long ago.
    explicit basic_waitable_timer(const Executor& ex)
        : executor_(ex), handle_(engine::loop_of(query(ex, execution::context))) {}
    basic_waitable_timer(const Executor& ex, const time_point& expiry) : basic_waitable_timer(ex) { expiry_ = expiry; }
    basic_waitable_timer(const Executor& ex, const duration& from_now) : basic_waitable_timer(ex) {
        expiry_ = after(from_now);
    }

    // The same on a context's executor.
    template <std::derived_from<execution_context> Context>
    explicit basic_waitable_timer(Context& ctx) : basic_waitable_timer(Executor(ctx.get_executor())) {}
    template <std::derived_from<execution_context> Context>
    basic_waitable_timer(Context& ctx, const time_point& expiry)
        : basic_waitable_timer(Executor(ctx.get_executor()), expiry) {}
    template <std::derived_from<execution_context> Context>
    basic_waitable_timer(Context& ctx, const duration& from_now)
        : basic_waitable_timer(Executor(ctx.get_executor()), from_now) {}

    // Not on what is neither an executor nor a context: the arguments of the template say so.
    template <class... Args, class Mistake = engine::executor_needed__pass_one_or_an_execution_context>
        requires engine::without_executor<Executor, Args...>
    explicit basic_waitable_timer(const Args&...) = delete;

    basic_waitable_timer(basic_waitable_timer&&) noexcept = default;
    basic_waitable_timer& operator=(basic_waitable_timer&&) noexcept = default;
    template <std::convertible_to<Executor> E>
    basic_waitable_timer(basic_waitable_timer<Clock, WaitTraits, E>&& other)
        : executor_(other.executor_), handle_(std::move(other.handle_)), expiry_(other.expiry_) {}

    const executor_type& get_executor() const noexcept { return executor_; }

    /// Ends all waits with operation_aborted. Returns how many; 0 if the context has the concurrency hint 1 and
    /// another thread is inside its run(): they are then ended there.
    std::size_t cancel() { return handle_.cancel(static_cast<std::size_t>(-1)); }
    /// Ends the oldest wait.
    std::size_t cancel_one() { return handle_.cancel(1); }

    time_point expiry() const noexcept { return expiry_; }

    /// Sets the expiry; a negative @p from_now has passed already. Returns what cancel() does.
    std::size_t expires_at(const time_point& expiry) {
        std::size_t n = cancel();
        expiry_ = expiry;
        return n;
    }
    std::size_t expires_after(const duration& from_now) { return expires_at(after(from_now)); }

    /// Blocks until the expiry.
    void wait() {
        for (auto left = clock_wait::until_look(expiry_); left.count() != 0; left = clock_wait::until_look(expiry_))
            engine::system::sleep_for(left);
    }
    void wait(error_code& ec) {
        ec = error_code();
        wait();
    }

    /// Completes at the expiry that is set now, or when it is set again.
    ///
    /// Result   void(error_code)
    /// Errors   operation_aborted: cancelled, or the expiry was set again
    /// Cancels  terminal, partial, total
    template <class Token = default_completion_token_t<executor_type>>
    auto async_wait(Token&& token = default_completion_token_t<executor_type>()) {
        return async_initiate<Token, void(error_code)>(initiate_wait{this}, token);
    }

private:
    template <class C, class W, class E>
    friend class basic_waitable_timer;
    friend engine::timer_access;

    using clock_wait = engine::clock_wait<Clock, WaitTraits>;

    time_point after(const duration& from_now) const { return clock_wait::after(handle_.get_loop(), from_now); }

    struct wait_request : clock_wait {
        wait_request(engine::task::function f, engine::timer_handle& timer, const time_point& t)
            : clock_wait(f, timer.get_loop(), t) {
            timer.prepare(*this);
        }
    };

    struct initiate_wait {
        using executor_type = Executor;
        basic_waitable_timer* timer;

        const executor_type& get_executor() const noexcept { return timer->executor_; }
        template <class Handler>
        void operator()(Handler&& handler) const {
            engine::start_operation<wait_request>(timer->handle_.get_loop(), timer->executor_,
                                                  std::forward<Handler>(handler), timer->handle_, timer->expiry_);
        }
    };

    RILL_NO_UNIQUE_ADDRESS Executor executor_;
    engine::timer_handle handle_;
    time_point expiry_{};
};

}  // namespace rill
