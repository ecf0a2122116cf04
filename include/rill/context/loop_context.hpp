// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/config.hpp>
#include <rill/engine/driver/make_driver.hpp>
#include <rill/engine/scheduler/loop.hpp>
#include <rill/execution/execution_context.hpp>

#include <memory>

namespace rill {

/// An execution context that is a run loop: what io_context, thread_pool and system_context have in common.
class loop_context : public execution_context {
protected:
    loop_context(std::unique_ptr<engine::driver> d, engine::threading t) { make_loop(std::move(d), t); }

    /// A loop as the configuration among the services says.
    explicit loop_context(const service_maker& initial_services) : execution_context(initial_services) {
        make_loop(engine::read_configuration(*this));
    }

    /// The same for any number of threads, whatever the configuration says of that.
    loop_context(const service_maker& initial_services, engine::threading t) : execution_context(initial_services) {
        make_loop(engine::read_configuration(*this), t);
    }
    template <class Allocator>
    loop_context(std::allocator_arg_t tag, const Allocator& a, const service_maker& initial_services,
                 engine::threading t)
        : execution_context(tag, a, initial_services) {
        make_loop(engine::read_configuration(*this), t);
    }

    /// In memory of an allocator.
    template <class Allocator>
    loop_context(std::allocator_arg_t tag, const Allocator& a, const engine::loop_options& options)
        : execution_context(tag, a) {
        make_loop(options);
    }
    template <class Allocator>
    loop_context(std::allocator_arg_t tag, const Allocator& a, const service_maker& initial_services)
        : execution_context(tag, a, initial_services) {
        make_loop(engine::read_configuration(*this));
    }

    /// Services let go first, then the handlers and coroutine frames go, then the services.
    ~loop_context() {
        shutdown();
        loop_->shut_down();
        destroy();
    }

    engine::loop& loop() const noexcept { return *loop_; }

    /// For what runs the loop. In the destructor nothing is run any more.
    void assert_alive() const noexcept {
        RILL_ASSERT(!is_shut_down_ && "a context is not run from inside its own destructor");
    }

private:
    void make_loop(std::unique_ptr<engine::driver> d, engine::threading t) {
        execution_context::loop_ = loop_ = new (memory_) engine::loop(std::move(d), t, this);
    }
    void make_loop(const engine::loop_options& options) {
        make_loop(options, engine::mode_for(options.concurrency_hint));
    }
    void make_loop(engine::loop_options options, engine::threading mode) {
        options.driver.memory = memory_;
        make_loop(engine::make_driver(options.which, mode, options.driver), mode);
    }

    engine::loop* loop_;  // frees itself, when the last guard is gone
};

/// The loop that runs in @p ctx; null if it is not a loop.
inline engine::loop* loop_of_context(execution_context& ctx) noexcept { return ctx.loop_; }

}  // namespace rill
