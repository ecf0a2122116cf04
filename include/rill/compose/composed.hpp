// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/compose/completed_handler.hpp>
#include <rill/compose/io_executors.hpp>
#include <rill/core/cancellation_state.hpp>
#include <rill/engine/scheduler/operation_memory.hpp>
#include <rill/token/associated_allocator.hpp>
#include <rill/token/associated_cancellation_slot.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/async_result.hpp>

#include <type_traits>
#include <utility>

namespace rill::engine {

template <class Executors, class Implementation, class... Signatures>
class initiate_composed;

}  // namespace rill::engine

namespace rill {

/// Makes a function object that starts an asynchronous operation, for async_initiate(): each step of it is a call of
/// @p implementation.
///
/// Data     the first call is implementation(self, args...) with the arguments of async_initiate(). It gives
///          std::move(self) as a handler to another operation, whose outcome comes with the next call:
///          implementation(self, outcome...). The last one calls self.complete(results...). The implementation is moved
///          with self. @p objects: I/O objects or executors. Their contexts are kept at work until the operation completes
/// Result   one of Signatures. A completion within the first call is delivered after the initiating function
/// Cancels  terminal, unless self.reset_cancellation_state() says otherwise: it reaches the step in flight, and is seen
///          by self.cancelled()
/// Throws   std::bad_alloc; what the first call throws
///
/// `self` has the executor, allocator and cancellation slot of the final handler, and the members complete(),
/// get_io_executor(), get_executor(), get_allocator(), get_cancellation_slot(), get_cancellation_state(),
/// reset_cancellation_state(), cancelled(). Destroyed without having been moved from, and without a call of complete(),
/// it destroys the final handler uncalled.
template <completion_signature... Signatures, class Implementation, class... IoObjectsOrExecutors>
auto composed(Implementation&& implementation, IoObjectsOrExecutors&&... objects) {
    using executors = engine::io_executors_of<IoObjectsOrExecutors...>;
    return engine::initiate_composed<executors, std::decay_t<Implementation>, Signatures...>(
        executors(std::in_place, objects...), std::forward<Implementation>(implementation));
}

}  // namespace rill

// Implementation

namespace rill::engine {

/// What a composed operation keeps in one place while its steps run: one block from the handler's allocator, which is
/// freed before the handler is called.
template <class Handler, class Executors>
class composition {
    using allocator = associated_allocator_t<Handler>;
    using memory = operation_memory<composition, allocator>;
    using io_executor = typename Executors::first;

public:
    template <class H>
    static composition& create(H&& handler, const Executors& executors) {
        return *memory::create(get_associated_allocator(handler), std::forward<H>(handler), executors);
    }

    template <class H>
    composition(H&& handler, const Executors& executors)
        : handler_(std::forward<H>(handler)),
          io_executor_(executors.get_executor()),
          work_(executors.track()),
          cancellation_(slot()) {}

    /// The handler, after the end of the operation: *this is gone.
    Handler release() noexcept {
        Handler handler(std::move(handler_));
        allocator a = get_associated_allocator(handler);
        this->~composition();
        memory::deallocate(a, this);
        return handler;
    }

    const Handler& handler() const noexcept { return handler_; }
    const io_executor& get_io_executor() const noexcept { return io_executor_; }

    const cancellation_state& cancellation() const noexcept { return cancellation_; }
    template <class... Filters>
    void reset_cancellation(Filters&&... filters) {
        cancellation_ = cancellation_state(slot().from_now_on(), std::forward<Filters>(filters)...);
        seen_ = 0;
    }
    /// What is emitted from here on reaches the next step even if it has not been started yet.
    void look() noexcept { seen_ = cancellation_.emissions(); }
    cancellation_slot step_slot() const noexcept { return cancellation_.slot_since(seen_); }

private:
    ~composition() = default;

    auto slot() const noexcept { return get_associated_cancellation_slot(handler_); }

    Handler handler_;
    RILL_NO_UNIQUE_ADDRESS io_executor io_executor_;
    RILL_NO_UNIQUE_ADDRESS typename Executors::work work_;
    cancellation_state cancellation_;
    unsigned seen_ = 0;  // of cancellation_'s emissions
};

struct self_with_slot {
    using cancellation_slot_type = cancellation_slot;
};
struct self_without_slot {};

/// The handler of each step of a composed operation. The implementation travels in it, so that one which goes on for a
/// moment after std::move(self), while the next step may be done already, finds its own members.
template <class Implementation, class Executors, class Handler, class... Signatures>
class composed_self
    : public std::conditional_t<has_associated_cancellation_slot<Handler>, self_with_slot, self_without_slot> {
    using core = composition<Handler, Executors>;

public:
    using io_executor_type = typename Executors::first;
    using executor_type = associated_executor_t<Handler, io_executor_type>;
    using allocator_type = associated_allocator_t<Handler>;

    template <class H, class I>
    composed_self(H&& handler, const Executors& executors, I&& implementation)
        : implementation_(std::forward<I>(implementation)), core_(&core::create(std::forward<H>(handler), executors)) {}
    composed_self(composed_self&& other) noexcept(std::is_nothrow_move_constructible_v<Implementation>)
        : implementation_(std::move(other.implementation_)),
          core_(std::exchange(other.core_, nullptr)),
          initiating_(other.initiating_) {}
    ~composed_self() {
        if (core_)
            core_->release();
    }

    /// Ends the operation: calls the final handler.
    template <class... Results>
    void complete(Results&&... results) {
        static_assert(sizeof...(Signatures) == 0 || (signature_takes<Signatures, Results...> || ...),
                      "self.complete(): the results fit none of the operation's completion signatures");
        RILL_ASSERT(core_);
        if (initiating_) {
            auto io = core_->get_io_executor();
            deliver_at_once(std::exchange(core_, nullptr)->release(), io, std::forward<Results>(results)...);
        } else {
            Handler handler(std::exchange(core_, nullptr)->release());
            std::move(handler)(std::forward<Results>(results)...);
        }
    }

    /// The executor of the first I/O object.
    io_executor_type get_io_executor() const noexcept { return live().get_io_executor(); }

    executor_type get_executor() const noexcept {
        return get_associated_executor(live().handler(), live().get_io_executor());
    }
    allocator_type get_allocator() const noexcept { return get_associated_allocator(live().handler()); }
    cancellation_slot get_cancellation_slot() const noexcept requires(has_associated_cancellation_slot<Handler>) {
        return live().step_slot();
    }

    cancellation_state get_cancellation_state() const noexcept { return live().cancellation(); }

    /// Forgets what has come in, and filters anew: terminal only, one filter for what cancelled() sees and what reaches
    /// the steps, or one for each.
    /// Throws  std::bad_alloc
    void reset_cancellation_state() { live().reset_cancellation(); }
    template <class Filter>
    void reset_cancellation_state(Filter&& filter) {
        live().reset_cancellation(std::forward<Filter>(filter));
    }
    template <class InFilter, class OutFilter>
    void reset_cancellation_state(InFilter&& in, OutFilter&& out) {
        live().reset_cancellation(std::forward<InFilter>(in), std::forward<OutFilter>(out));
    }

    /// What has come in; none if nothing. What comes in later reaches the step that is started next.
    cancellation_type cancelled() noexcept {
        live().look();
        return live().cancellation().cancelled();
    }

    /// The library's way in.
    const Handler& final_handler() const noexcept { return live().handler(); }

    /// The first call of the implementation.
    template <class... Args>
    void begin(Args&&... args) {
        initiating_ = true;
        implementation_(*this, std::forward<Args>(args)...);
    }

    /// The next one, after a step.
    template <class... Outcome>
    void operator()(Outcome&&... outcome) {
        initiating_ = false;
        live().look();
        implementation_(*this, std::forward<Outcome>(outcome)...);
    }

private:
    core& live() const noexcept {
        RILL_ASSERT(core_);
        return *core_;
    }

    RILL_NO_UNIQUE_ADDRESS Implementation implementation_;
    core* core_;
    bool initiating_ = false;  // no step has been done yet
};

template <class Executors, class Implementation, class... Signatures>
class initiate_composed {
public:
    using executor_type = typename Executors::first;

    template <class I>
    initiate_composed(const Executors& executors, I&& implementation)
        : executors_(executors), implementation_(std::forward<I>(implementation)) {}

    executor_type get_executor() const noexcept { return executors_.get_executor(); }

    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) && {
        self<Handler>(std::forward<Handler>(handler), executors_, std::move(implementation_))
            .begin(std::forward<Args>(args)...);
    }
    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) const& {
        self<Handler>(std::forward<Handler>(handler), executors_, implementation_).begin(std::forward<Args>(args)...);
    }

private:
    template <class Handler>
    using self = composed_self<Implementation, Executors, std::decay_t<Handler>, Signatures...>;

    RILL_NO_UNIQUE_ADDRESS Executors executors_;
    RILL_NO_UNIQUE_ADDRESS Implementation implementation_;
};

}  // namespace rill::engine

namespace rill {

// What the final handler is associated with besides, such as an immediate executor.
template <template <class, class> class Associator, class Implementation, class Executors, class Handler,
          class... Signatures, class Candidate>
struct associator<Associator, engine::composed_self<Implementation, Executors, Handler, Signatures...>, Candidate> {
private:
    using self = engine::composed_self<Implementation, Executors, Handler, Signatures...>;
    using of_handler = Associator<Handler, Candidate>;

public:
    using type = typename of_handler::type;
    static decltype(auto) get(const self& s) noexcept { return of_handler::get(s.final_handler()); }
    static decltype(auto) get(const self& s, const Candidate& c) noexcept {
        return of_handler::get(s.final_handler(), c);
    }
};

}  // namespace rill
