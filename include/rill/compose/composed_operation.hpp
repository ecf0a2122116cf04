// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/compose/step_relay.hpp>
#include <rill/engine/scheduler/operation_memory.hpp>
#include <rill/operation/delivery.hpp>
#include <rill/token/associated_allocator.hpp>
#include <rill/token/associated_cancellation_slot.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/associated_immediate_executor.hpp>

#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

struct step_with_slot {
    using cancellation_slot_type = cancellation_slot;
};
struct step_without_slot {};

/// The handler of each step of a composed operation, which it owns: destroyed without having been called, it destroys
/// the operation and the final handler with it.
template <class Operation>
class step : public std::conditional_t<Operation::has_slot, step_with_slot, step_without_slot> {
public:
    using executor_type = typename Operation::executor_type;
    using allocator_type = typename Operation::allocator_type;

    explicit step(Operation& o) noexcept : operation_(&o) {}
    step(step&& other) noexcept : operation_(std::exchange(other.operation_, nullptr)) {}
    step& operator=(step&& other) noexcept {
        step old(std::move(*this));
        operation_ = std::exchange(other.operation_, nullptr);
        return *this;
    }
    ~step() {
        if (operation_)
            operation_->abandon();
    }

    executor_type get_executor() const noexcept { return operation_->get_executor(); }
    allocator_type get_allocator() const noexcept { return operation_->get_allocator(); }
    cancellation_slot get_cancellation_slot() const noexcept requires(Operation::has_slot) {
        return operation_->step_slot();
    }
    const typename Operation::handler_type& final_handler() const noexcept { return operation_->handler(); }

    template <class... Outcome>
    void operator()(const Outcome&... outcome) {
        Operation& o = *operation_;
        o.on_step(step(std::move(*this)), outcome...);
    }

private:
    friend Operation;

    void disown() noexcept { operation_ = nullptr; }

    Operation* operation_;
};

/// Keeps the I/O object's context at work while a step's outcome, or the start of the next one, is with another context
/// on which the handler runs.
template <class Handler, class IoExecutor>
class io_work {
    using tracked = decltype(prefer(std::declval<const IoExecutor&>(), execution::outstanding_work.tracked));

public:
    io_work(const Handler& handler, const IoExecutor& io) {
        loop* l = plain_loop(io);
        if (!l || plain_loop(get_associated_executor(handler, io)) != l)
            work_.emplace(prefer(io, execution::outstanding_work.tracked));
    }

private:
    std::optional<tracked> work_;
};

/// For handlers that run wherever the I/O object's executor says: each step is work there.
struct no_io_work {
    template <class Handler, class IoExecutor>
    no_io_work(const Handler&, const IoExecutor&) noexcept {}
};

/// An operation made of operations, one at a time, together with its final handler. Steps says which:
///
///   start(step)       starts one operation with @p step as its handler; *this may be gone afterwards
///   take(outcome...)  what that operation's handler was told; true: another step is to follow
///   stop()            the step that is to follow must not, because of a cancellation
///   result()          a tuple, the final handler's arguments
///   get_executor()    of the I/O object
///
/// It lies in one block from the handler's allocator, whose address is that of all its steps. Steps forward the
/// handler's executor, allocator and, through a relay, its slot. On completion the slot is released, the handler moved
/// out, the memory freed, and the handler called where the step was: on its associated executor.
template <class Steps, class Handler>
class composed_operation {
    using io_executor = typename Steps::executor_type;
    using memory = operation_memory<composed_operation, associated_allocator_t<Handler>>;

public:
    using handler_type = Handler;
    using executor_type = associated_executor_t<Handler, io_executor>;
    using allocator_type = associated_allocator_t<Handler>;
    static constexpr bool has_slot = has_associated_cancellation_slot<Handler>;

    /// Starts the first step; @p args make the Steps.
    /// Throws  std::bad_alloc; what moving the handler or starting the step throws: nothing has been started then
    template <class H, class... Args>
    static void start(H&& handler, Args&&... args) {
        allocator_type a = get_associated_allocator(handler);
        composed_operation* self = memory::create(a, std::forward<H>(handler), std::forward<Args>(args)...);
        self->relay_.listen(get_associated_cancellation_slot(self->handler_));
        self->start_step(step(*self));
    }

    template <class H, class... Args>
    explicit composed_operation(H&& handler, Args&&... args)
        : handler_(std::forward<H>(handler)),
          steps_(std::forward<Args>(args)...),
          io_work_(handler_, steps_.get_executor()) {}

    const Handler& handler() const noexcept { return handler_; }
    executor_type get_executor() const noexcept { return get_associated_executor(handler_, steps_.get_executor()); }
    allocator_type get_allocator() const noexcept { return get_associated_allocator(handler_); }
    cancellation_slot step_slot() noexcept requires has_slot { return relay_.slot(); }

    template <class... Outcome>
    void on_step(step<composed_operation> owner, const Outcome&... outcome) {
        if (steps_.take(outcome...)) {
            if (!relay_.cancelled())
                return start_step(std::move(owner));
            steps_.stop();
        }
        owner.disown();
        complete();
    }

    /// Destroys the handler without calling it.
    void abandon() noexcept {
        relay_.release();
        Handler handler(std::move(handler_));
        free(handler);
    }

private:
    using step = engine::step<composed_operation>;
    using work = std::conditional_t<has_associated_executor<Handler>, io_work<Handler, io_executor>, no_io_work>;
    using relay = std::conditional_t<has_slot, step_relay, no_step_relay>;

    ~composed_operation() = default;

    void start_step(step owner) { steps_.start(std::move(owner)); }

    void complete() {
        relay_.release();
        auto result = steps_.result();
        Handler handler(std::move(handler_));
        free(handler);
        std::apply(std::move(handler), std::move(result));
    }

    // The allocator is that of the handler, which has been moved out.
    void free(const Handler& handler) noexcept {
        allocator_type a = get_associated_allocator(handler);
        this->~composed_operation();
        memory::deallocate(a, this);
    }

    Handler handler_;
    Steps steps_;
    RILL_NO_UNIQUE_ADDRESS work io_work_;
    RILL_NO_UNIQUE_ADDRESS relay relay_;
};

/// Starts composed_operation<Steps, ...> for @p handler.
template <class Steps, class Handler, class... Args>
void start_composed(Handler&& handler, Args&&... args) {
    composed_operation<Steps, std::decay_t<Handler>>::start(std::forward<Handler>(handler),
                                                            std::forward<Args>(args)...);
}

}  // namespace rill::engine

namespace rill {

/// What a user's own characteristic of the final handler is, it is of the steps.
template <template <class, class> class Associator, class Operation, class Candidate>
struct associator<Associator, engine::step<Operation>, Candidate> {
private:
    using of_handler = Associator<typename Operation::handler_type, Candidate>;

public:
    using type = typename of_handler::type;
    static decltype(auto) get(const engine::step<Operation>& s) noexcept { return of_handler::get(s.final_handler()); }
    static decltype(auto) get(const engine::step<Operation>& s, const Candidate& c) noexcept {
        return of_handler::get(s.final_handler(), c);
    }
};

/// But not the immediate executor: steps that are done at once would start one another from inside, as deep as there are
/// steps.
template <class Operation, class Candidate>
struct associator<associated_immediate_executor, engine::step<Operation>, Candidate> {};

}  // namespace rill
