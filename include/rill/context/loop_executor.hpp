// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/execution_context.hpp>
#include <rill/execution/executor.hpp>
#include <rill/execution/inline_exception_handling.hpp>
#include <rill/execution/loop_reference.hpp>
#include <rill/execution/mapping.hpp>
#include <rill/execution/occupancy.hpp>
#include <rill/execution/properties.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// Whether a context runs without anyone calling run(), so that one may wait for a function on it.
template <class Context>
inline constexpr bool has_own_threads = false;

}  // namespace rill::engine

namespace rill {

template <execution::executor Executor>
class blocking_executor;

/// The executor of a context that is a loop. Untracked it is a trivially destructible pointer; tracked it keeps the
/// context at work while it lives, and may outlive it.
///
/// Properties: context, blocking (possibly, never; always if the context has threads of its own), relationship,
/// outstanding_work, allocator; mapping.thread, inline_exception_handling.propagate; occupancy if the context has it.
template <class Context, class Allocator = std::allocator<void>, bool Tracked = false>
class loop_executor;

template <class Context, class Allocator>
class loop_executor<Context, Allocator, false> {
public:
    using context_type = Context;

    loop_executor(engine::loop_reference l, const Allocator& a) noexcept : loop_(l), allocator_(a) {}

    template <class Function>
    void execute(Function&& f) const {
        loop_.execute(std::forward<Function>(f), allocator_);
    }
    void execute(engine::owned_task&& t) const { loop_.execute(std::move(t)); }

    /// Whether this thread is inside run() of the context.
    bool running_in_this_thread() const noexcept { return loop_.get().runs_here(); }

    Context& query(execution::context_t) const noexcept { return *static_cast<Context*>(loop_.get().context()); }
    execution::blocking_t query(execution::blocking_t) const noexcept { return loop_.query(execution::blocking); }
    execution::relationship_t query(execution::relationship_t) const noexcept {
        return loop_.query(execution::relationship);
    }
    static constexpr execution::outstanding_work_t query(execution::outstanding_work_t) noexcept {
        return execution::outstanding_work.untracked;
    }
    template <class A>
    Allocator query(execution::allocator_t<A>) const noexcept {
        return allocator_;
    }
    static constexpr execution::mapping_t query(execution::mapping_t) noexcept { return execution::mapping.thread; }
    static constexpr execution::inline_exception_handling_t query(execution::inline_exception_handling_t) noexcept {
        return execution::inline_exception_handling.propagate;
    }
    std::size_t query(execution::occupancy_t) const noexcept requires requires(const Context& c) { c.occupancy(); }
    { return query(execution::context).occupancy(); }
    Context& context() const noexcept { return query(execution::context); }

    template <class Property>
        requires requires(engine::loop_reference l, Property p) { l.with(p); }
    loop_executor require(Property p) const noexcept { return loop_executor(loop_.with(p), allocator_); }
    template <std::same_as<execution::blocking_t::always_t> Always>
        requires engine::has_own_threads<Context>
    auto require(Always) const noexcept { return blocking_executor<loop_executor>(*this); }
    loop_executor require(execution::outstanding_work_t::untracked_t) const noexcept { return *this; }
    loop_executor<Context, Allocator, true> require(execution::outstanding_work_t::tracked_t) const noexcept {
        return loop_executor<Context, Allocator, true>(loop_, allocator_);
    }
    template <class A>
    loop_executor<Context, A, false> require(const execution::allocator_t<A>& a) const noexcept {
        return loop_executor<Context, A, false>(loop_, a.value());
    }
    loop_executor<Context, std::allocator<void>, false> require(execution::allocator_t<void>) const noexcept {
        return loop_executor<Context, std::allocator<void>, false>(loop_, std::allocator<void>());
    }

    /// The engine's way in. An executor with the user's allocator is not plain: it must use that.
    engine::loop_reference reference() const noexcept requires engine::is_default_allocator<Allocator> { return loop_; }
    using referring_type = loop_executor;

    friend bool operator==(const loop_executor& a, const loop_executor& b) noexcept {
        return a.loop_ == b.loop_ && a.allocator_ == b.allocator_;
    }

private:
    engine::loop_reference loop_;
    RILL_NO_UNIQUE_ADDRESS Allocator allocator_;
};

template <class Context, class Allocator>
class loop_executor<Context, Allocator, true> {
    using untracked = loop_executor<Context, Allocator, false>;

public:
    using context_type = Context;

    loop_executor(engine::loop_reference l, const Allocator& a) noexcept : loop_(l), allocator_(a) {
        loop_.get().work_started();
    }
    loop_executor(const loop_executor& other) noexcept : loop_executor(other.loop_, other.allocator_) {}
    loop_executor(loop_executor&& other) noexcept
        : loop_(std::exchange(other.loop_, {})), allocator_(other.allocator_) {}
    loop_executor& operator=(loop_executor other) noexcept {
        std::swap(loop_, other.loop_);
        std::swap(allocator_, other.allocator_);
        return *this;
    }
    ~loop_executor() {
        if (loop_)
            loop_.get().work_finished();
    }

    template <class Function>
    void execute(Function&& f) const {
        loop_.execute(std::forward<Function>(f), allocator_);
    }
    void execute(engine::owned_task&& t) const { loop_.execute(std::move(t)); }

    bool running_in_this_thread() const noexcept { return loop_.get().runs_here(); }

    static constexpr execution::outstanding_work_t query(execution::outstanding_work_t) noexcept {
        return execution::outstanding_work.tracked;
    }
    template <class Property>
        requires(!engine::has_constant_query<untracked, Property> && engine::has_query_member<untracked, Property>)
    decltype(auto) query(const Property& p) const noexcept { return as_untracked().query(p); }
    template <class Property>
        requires(!std::is_convertible_v<Property, execution::outstanding_work_t> &&
                 engine::has_constant_query<untracked, Property>)
    static constexpr auto query(const Property& p) noexcept { return untracked::query(p); }
    Context& context() const noexcept { return query(execution::context); }

    template <class Property>
        requires requires(engine::loop_reference l, Property p) { l.with(p); }
    loop_executor require(Property p) const noexcept { return loop_executor(loop_.with(p), allocator_); }
    template <std::same_as<execution::blocking_t::always_t> Always>
        requires engine::has_own_threads<Context>
    auto require(Always) const noexcept { return blocking_executor<loop_executor>(*this); }
    loop_executor require(execution::outstanding_work_t::tracked_t) const noexcept { return *this; }
    untracked require(execution::outstanding_work_t::untracked_t) const noexcept { return as_untracked(); }
    template <class A>
    loop_executor<Context, A, true> require(const execution::allocator_t<A>& a) const noexcept {
        return loop_executor<Context, A, true>(loop_, a.value());
    }
    loop_executor<Context, std::allocator<void>, true> require(execution::allocator_t<void>) const noexcept {
        return loop_executor<Context, std::allocator<void>, true>(loop_, std::allocator<void>());
    }

    engine::loop_reference reference() const noexcept requires engine::is_default_allocator<Allocator> { return loop_; }
    using referring_type = loop_executor;

    friend bool operator==(const loop_executor& a, const loop_executor& b) noexcept {
        return a.loop_ == b.loop_ && a.allocator_ == b.allocator_;
    }

private:
    untracked as_untracked() const noexcept { return untracked(loop_, allocator_); }

    engine::loop_reference loop_;
    RILL_NO_UNIQUE_ADDRESS Allocator allocator_;
};

}  // namespace rill
