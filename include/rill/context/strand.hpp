// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/strand_state.hpp>
#include <rill/execution/execution_context.hpp>
#include <rill/execution/executor.hpp>
#include <rill/execution/loop_reference.hpp>
#include <rill/execution/posted_function.hpp>
#include <rill/execution/properties.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace rill::engine {

template <class Executor, class Relationship>
auto never_blocking(const Executor& ex, Relationship relationship) {
    return prefer(require(ex, execution::blocking.never), relationship);
}

}  // namespace rill::engine

namespace rill {

/// An executor whose functions never run at the same time: an inner executor, and a queue in front of it.
///
/// Copies, also those with other properties, are the same strand. Of two functions a and b of one strand, a runs before b if
/// a was submitted before b was, unless b is dispatched from inside the strand, which runs it at once. A strand lets
/// others at the inner executor have their turn after 16 functions. It may die before its functions have run.
///
/// Properties: those of the inner executor, but for blocking.always.
/// Threads     every function from any thread; a strand object is changed by one thread at a time
template <class Executor>
class strand {
public:
    using inner_executor_type = Executor;

    /// Throws  std::bad_alloc; what the executor throws when it is asked never to block
    strand() requires std::default_initializable<Executor> : strand(Executor()) {}
    template <class E>
        requires(!std::same_as<E, strand> && std::convertible_to<const E&, Executor>)
    explicit strand(const E& ex) : executor_(ex), state_(*new engine::strand_state_on<Executor>(executor_)) {}

    /// The same strand by another type, such as strand<any_io_executor>.
    template <class Other>
        requires(!std::same_as<Other, Executor> && std::convertible_to<const Other&, Executor>)
    strand(const strand<Other>& other) : executor_(other.executor_), state_(other.state_) {}
    template <class Other>
        requires(!std::same_as<Other, Executor> && std::convertible_to<Other, Executor>)
    strand(strand<Other>&& other) : executor_(std::move(other.executor_)), state_(std::move(other.state_)) {}

    inner_executor_type get_inner_executor() const noexcept { return executor_; }

    /// Whether this thread is inside a function of the strand.
    bool running_in_this_thread() const noexcept { return state_->runs_here(); }

    /// Submits @p f, a function without arguments; move-only is enough. Inside the strand it runs at once, unless the
    /// strand must not block; it also does if the inner executor would run it at once and the strand is idle.
    template <class Function>
    void execute(Function&& f) const;
    void execute(engine::owned_task&& t) const;

    /// The same with memory from @p a; post() and defer() in the named manner, whatever the properties are.
    template <class Function, class Allocator>
    void dispatch(Function&& f, const Allocator& a) const;
    template <class Function, class Allocator>
        requires requirable_for<Executor, execution::blocking_t::never_t>
    void post(Function&& f, const Allocator& a) const;
    template <class Function, class Allocator>
        requires requirable_for<Executor, execution::blocking_t::never_t>
    void defer(Function&& f, const Allocator& a) const;

    template <class Property>
        requires(queryable_for<Executor, Property> && !std::convertible_to<Property, execution::blocking_t>)
    decltype(auto) query(const Property& p) const noexcept(is_nothrow_query_v<Executor, Property>) {
        return query_fn()(executor_, p);
    }
    /// A strand of an executor that always blocks does so only if it is idle.
    execution::blocking_t query(execution::blocking_t p) const requires queryable_for<Executor, execution::blocking_t> {
        const execution::blocking_t value = query_fn()(executor_, p);
        return value == execution::blocking.always ? execution::blocking_t(execution::blocking.possibly) : value;
    }
    decltype(auto) context() const noexcept requires queryable_for<Executor, execution::context_t> {
        return query_fn()(executor_, execution::context);
    }

    template <class Property>
        requires(requirable_for<Executor, Property> && !std::convertible_to<Property, execution::blocking_t::always_t>)
    auto require(const Property& p) const {
        auto ex = require_fn()(executor_, p);
        return strand<decltype(ex)>(std::move(ex), state_);
    }
    /// For an inner executor that may only be preferred to have it, as any_io_executor.
    template <class Property>
        requires(preferable_for<Executor, Property> && !requirable_for<Executor, Property>)
    auto prefer(const Property& p) const {
        auto ex = prefer_fn()(executor_, p);
        return strand<decltype(ex)>(std::move(ex), state_);
    }

    /// Whether they are the same strand.
    friend bool operator==(const strand& a, const strand& b) noexcept { return a.state_ == b.state_; }

private:
    template <class Other>
    friend class strand;

    strand(Executor&& ex, const engine::strand_reference& s) noexcept : executor_(std::move(ex)), state_(s) {}

    bool never_blocks() const {
        if constexpr (queryable_for<Executor, execution::blocking_t>)
            return query_fn()(executor_, execution::blocking) == execution::blocking.never;
        else
            return false;
    }

    // Whether the inner executor would run a function at once. False also if it does not tell.
    bool inner_runs_at_once() const noexcept {
        if constexpr (requires { executor_.reference(); }) {
            const engine::loop_reference l = executor_.reference();
            return l && l.get().runs_here();
        } else {
            return false;
        }
    }

    // With memory from @p a, or, if that is the default, from where the executor says.
    template <class Function, class Allocator = std::allocator<void>>
    engine::task& make_task(Function&& f, const Allocator& a = Allocator()) const {
        if constexpr (engine::is_default_allocator<Allocator> && queryable_for<Executor, execution::allocator_t<void>>)
            return engine::make_posted_function(std::forward<Function>(f), query_fn()(executor_, execution::allocator));
        else
            return engine::make_posted_function(std::forward<Function>(f), a);
    }

    template <class Function>
    bool runs_at_once(Function&& f) const;

    // The runner goes where a function with the same properties would go.
    void submit(engine::task& t) const {
        state_->submit(t, [this](engine::owned_task&& runner) { executor_.execute(std::move(runner)); });
    }
    template <class Relationship>
    void submit_later(engine::task& t, Relationship relationship) const {
        state_->submit(t, [&](engine::owned_task&& runner) {
            engine::never_blocking(executor_, relationship).execute(std::move(runner));
        });
    }

    Executor executor_;
    engine::strand_reference state_;
};

/// A new strand on @p ex.
template <execution::executor Executor>
strand<Executor> make_strand(const Executor& ex) {
    return strand<Executor>(ex);
}

/// A new strand on @p ctx's executor.
template <std::derived_from<execution_context> Context>
strand<typename Context::executor_type> make_strand(Context& ctx) {
    return strand<typename Context::executor_type>(ctx.get_executor());
}

// Implementation

// True: @p f has been run.
template <class Executor>
template <class Function>
bool strand<Executor>::runs_at_once(Function&& f) const {
    if (!state_->runs_here())
        return inner_runs_at_once() && state_->try_run(std::forward<Function>(f));
    std::decay_t<Function> function(std::forward<Function>(f));
    std::move(function)();
    return true;
}

template <class Executor>
template <class Function>
void strand<Executor>::execute(Function&& f) const {
    if (never_blocks() || !runs_at_once(std::forward<Function>(f)))
        submit(make_task(std::forward<Function>(f)));
}

template <class Executor>
void strand<Executor>::execute(engine::owned_task&& t) const {
    if (never_blocks() || !runs_at_once(std::move(t)))
        submit(t.release());
}

template <class Executor>
template <class Function, class Allocator>
void strand<Executor>::dispatch(Function&& f, const Allocator& a) const {
    if (never_blocks() || !runs_at_once(std::forward<Function>(f)))
        submit(make_task(std::forward<Function>(f), a));
}

template <class Executor>
template <class Function, class Allocator>
    requires requirable_for<Executor, execution::blocking_t::never_t>
void strand<Executor>::post(Function&& f, const Allocator& a) const {
    submit_later(make_task(std::forward<Function>(f), a), execution::relationship.fork);
}

template <class Executor>
template <class Function, class Allocator>
    requires requirable_for<Executor, execution::blocking_t::never_t>
void strand<Executor>::defer(Function&& f, const Allocator& a) const {
    submit_later(make_task(std::forward<Function>(f), a), execution::relationship.continuation);
}

}  // namespace rill
