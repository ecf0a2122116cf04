// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/compose/kept_results.hpp>
#include <rill/context/system_executor.hpp>
#include <rill/core/cancellation_signal.hpp>
#include <rill/core/platform.hpp>
#include <rill/engine/scheduler/loop.hpp>
#include <rill/engine/scheduler/operation_memory.hpp>
#include <rill/execution/owned_task.hpp>
#include <rill/execution/properties.hpp>
#include <rill/io/clock_wait.hpp>
#include <rill/io/timer_handle.hpp>
#include <rill/token/associated_allocator.hpp>
#include <rill/token/associated_cancellation_slot.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/token_adapter.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <atomic>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// Passes what one signal emits on to another, whatever its type.
class slot_relay : public cancellation_hook {
public:
    explicit slot_relay(cancellation_signal& to) noexcept : cancellation_hook(&pass), to_(to) {}

private:
    static void pass(cancellation_hook& hook, cancellation_type type) { static_cast<slot_relay&>(hook).to_.emit(type); }

    cancellation_signal& to_;
};

/// The handler of an operation that has a deadline: it owns the timed_operation. It has what is associated with the
/// final Handler, but for the slot, through which the deadline comes too.
template <class Operation, class Handler>
class timed_handler {
public:
    using cancellation_slot_type = cancellation_slot;

    explicit timed_handler(Operation& o) noexcept : operation_(&o) {}
    timed_handler(timed_handler&& other) noexcept : operation_(std::exchange(other.operation_, nullptr)) {}
    timed_handler& operator=(timed_handler&& other) noexcept {
        timed_handler old(std::move(*this));
        operation_ = std::exchange(other.operation_, nullptr);
        return *this;
    }
    ~timed_handler() {
        if (operation_)
            operation_->abandon();
    }

    cancellation_slot get_cancellation_slot() const noexcept { return operation_->slot(); }
    /// To a slot that is bound around the deadline, and takes the place of the final handler's.
    void listen(cancellation_slot slot) noexcept { operation_->listen(slot); }
    const Handler& target() const noexcept { return operation_->handler(); }

    template <class... Results>
    void operator()(Results&&... results) {
        std::exchange(operation_, nullptr)->take(std::forward<Results>(results)...);
    }

private:
    Operation* operation_;
};

/// Where and when a deadline ends an operation.
template <class Clock>
struct deadline_setting {
    loop& on;
    typename Clock::time_point expiry;
    timer_handle* timer;  // null: no timer object waits
};

/// The deadline of one operation together with the final handler, in one block from the handler's allocator: a wait in
/// the loop's timer queue, and the signal by which deadline and slot reach the operation.
///
/// One winner. The operation itself decides between its completion and what is emitted, and completes once. So does
/// this: when the operation has completed, the slot is released, which waits for an emission on another thread, and the
/// wait is withdrawn. Under the timer queue's lock, or on its thread, the wait is either still there, and then nobody
/// else knows it any more; or it has been answered, and is a task that lies in a run queue or runs on some thread. Then
/// the block must outlive that task: the results are kept, and of `progress_` whoever sets the last of the three marks,
/// completed, let_go and deadline_over, goes on to the handler. From there it is as without a deadline: handler moved out,
/// memory freed, handler called, on its executor. A task that comes after the operation emits to a signal without a
/// handler.
///
/// Where the operation's handler runs on another thread than that of a solo loop, it cannot withdraw the wait, and
/// leaves word for the loop to do it.
///
/// The loop may be destroyed meanwhile, on another thread. It destroys the wait before, and that waits from lifting to
/// let_go; who sets lifting only after deadline_over touches the loop no more.
template <class Deadline, class IoExecutor, class Handler, class... Signatures>
class timed_operation final : public Deadline::wait {
    using clock = typename Deadline::clock;
    using allocator = associated_allocator_t<Handler>;
    using memory = operation_memory<timed_operation, allocator>;
    using handler_executor = associated_executor_t<Handler, IoExecutor>;
    using tracked = decltype(prefer(std::declval<const handler_executor&>(), execution::outstanding_work.tracked));

public:
    using owning_handler = timed_handler<timed_operation, Handler>;

    /// Sets the deadline. What is returned is the handler of the operation that is to be started.
    /// Throws  std::bad_alloc, what moving the handler throws: there is no deadline then
    template <class H>
    static owning_handler start(const Deadline& deadline, const IoExecutor& ex, H&& handler) {
        const deadline_setting<clock> setting = deadline.set(ex);
        allocator a = get_associated_allocator(handler);
        timed_operation& self = *memory::create(a, setting, deadline.type, ex, std::forward<H>(handler));
        self.relay_.connect(get_associated_cancellation_slot(self.handler_));
        self.loop_.start(self);
        return owning_handler(self);
    }

    template <class H>
    timed_operation(const deadline_setting<clock>& setting, cancellation_type type, const IoExecutor& ex, H&& handler)
        : Deadline::wait(&on_deadline, setting.on, setting.expiry),
          handler_(std::forward<H>(handler)),
          loop_(setting.on),
          io_executor_(ex),
          type_(type),
          relay_(steps_),
          message_(*this) {
        if (setting.timer)
            setting.timer->prepare(*this);
        if (this->state == request_state::answered)
            throw std::bad_alloc();
    }

    const Handler& handler() const noexcept { return handler_; }

    void listen(cancellation_slot slot) noexcept {
        relay_.disconnect();
        relay_.connect(slot);
    }

    /// Once the deadline is set it may be over, on another thread, before the operation has connected itself.
    cancellation_slot slot() noexcept { return steps_.slot_since(0); }

    /// The operation has completed: on the handler's executor.
    template <class... Results>
    void take(Results&&... results) {
        relay_.disconnect();
        if constexpr (Deadline::reports_timed_out) {
            if ((progress_.load(std::memory_order_acquire) & late) != 0)
                return take_late(std::forward<Results>(results)...);
        }
        finish(std::forward<Results>(results)...);
    }

    /// The operation will not complete.
    void abandon() noexcept {
        relay_.disconnect();
        if (lift_deadline())
            discard();
        else
            part();
    }

private:
    // Of progress_.
    static constexpr unsigned late = 1;           // the deadline has come; about to be emitted, or was
    static constexpr unsigned deadline_over = 2;  // the wait's task has run, and touches this no more
    static constexpr unsigned completed = 4;      // the operation is done, and its results, if it has some, are kept
    static constexpr unsigned lifting = 8;        // it is done, and is about to withdraw the wait, or to leave word
    static constexpr unsigned let_go = 16;        // it could not withdraw the wait, and touches the loop no more

    /// Brings a completion that had to wait for the deadline's task, or the loop's thread, where it belongs.
    struct message : task {
        explicit message(timed_operation& o) noexcept : task(&on_message), operation(o) {}
        timed_operation& operation;
    };

    ~timed_operation() = default;

    template <class... Results>
    void finish(Results&&... results) {
        if (lift_deadline()) [[likely]] {
            deliver(std::forward<Results>(results)...);
        } else {
            try {
                way_back_.emplace(prefer(executor(), execution::outstanding_work.tracked));
                results_.emplace(std::forward<Results>(results)...);
            } catch (...) {
                progress_.fetch_or(let_go, std::memory_order_acq_rel);
                throw;
            }
            part();
        }
    }

    RILL_COLD void take_late() { finish(); }
    template <class First, class... Rest>
    RILL_COLD void take_late(First&& first, Rest&&... rest) {
        std::decay_t<First> told(std::forward<First>(first));
        tell_timed_out(told);
        finish(std::move(told), std::forward<Rest>(rest)...);
    }

    // True: nobody else knows this any more. (The loop itself may have gone, but then the wait has been destroyed.)
    bool lift_deadline() noexcept {
        return (progress_.fetch_or(lifting, std::memory_order_acq_rel) & deadline_over) != 0 || loop_.withdraw(*this);
    }

    // Sets @p marks. True: these were the last; else this may be gone afterwards.
    bool set_last(unsigned marks) noexcept {
        constexpr unsigned all = deadline_over | completed | let_go;
        return ((progress_.fetch_or(marks, std::memory_order_acq_rel) | marks) & all) == all;
    }

    // TRICKY: afterwards this may be gone.
    RILL_COLD void part() {
        unsigned marks = let_go;
        if (loop_.within_reach())
            marks |= completed;
        else
            loop_.post(message_);
        if (set_last(marks))
            go_on();
    }

    // The wait has been answered. Without an owner its context is destroyed.
    static void on_deadline(loop* owner, task& base) {
        auto& self = static_cast<timed_operation&>(base);
        if (owner && !self.ec) {
            self.progress_.fetch_or(late, std::memory_order_acq_rel);
            try {
                self.steps_.emit(self.type_);
            } catch (...) {
                self.leave(owner);
                throw;
            }
        }
        self.leave(owner);
    }

    void leave(loop* owner) {
        if (owner ? set_last(deadline_over) : leave_for_good())
            go_back(owner);
    }

    // As set_last(deadline_over), when nobody is inside the loop any more for the sake of this.
    RILL_COLD bool leave_for_good() noexcept {
        unsigned seen = progress_.load(std::memory_order_acquire);
        for (;;) {
            if ((seen & (lifting | let_go)) == lifting) {
                yield_thread();
                seen = progress_.load(std::memory_order_acquire);
            } else if (progress_.compare_exchange_weak(seen, seen | deadline_over, std::memory_order_acq_rel,
                                                       std::memory_order_acquire)) {
                return (seen & completed) != 0 && (seen & let_go) != 0;
            }
        }
    }

    static void on_message(loop* owner, task& base) {
        auto& self = static_cast<message&>(base).operation;
        const bool withdrawn = self.loop_.withdraw(self);
        if (self.set_last(withdrawn ? completed | deadline_over : completed))
            self.go_back(owner);
    }

    void go_back(loop* owner) {
        if (!owner || !way_back_)
            return discard();
        message_.run = &arrive;
        tracked ex(std::move(*way_back_));  // this may be gone before execute() returns
        prefer(ex, execution::blocking.possibly).execute(owned_task(message_));
    }

    static void arrive(loop* owner, task& base) {
        auto& self = static_cast<message&>(base).operation;
        if (owner)
            self.go_on();
        else
            self.discard();
    }

    // Where the handler belongs.
    void go_on() {
        if (!way_back_)
            return discard();
        results_.visit([this](auto&&... results) { this->deliver(std::move(results)...); });
    }

    template <class... Results>
    void deliver(Results&&... results) {
        Handler handler(std::move(handler_));
        free(handler);
        std::move(handler)(std::forward<Results>(results)...);
    }

    void discard() noexcept {
        Handler unused(std::move(handler_));
        free(unused);
    }

    // The allocator is that of the handler, which has been moved out.
    void free(const Handler& handler) noexcept {
        allocator a = get_associated_allocator(handler);
        this->~timed_operation();
        memory::deallocate(a, this);
    }

    struct no_executor {
        explicit no_executor(const IoExecutor&) noexcept {}
    };

    handler_executor executor() const noexcept {
        if constexpr (has_associated_executor<Handler>)
            return get_associated_executor(handler_);
        else
            return io_executor_;
    }

    Handler handler_;
    loop& loop_;
    RILL_NO_UNIQUE_ADDRESS std::conditional_t<has_associated_executor<Handler>, no_executor, IoExecutor> io_executor_;
    cancellation_type type_;
    std::atomic<unsigned> progress_{0};
    cancellation_signal steps_;
    slot_relay relay_;
    message message_;
    std::optional<tracked> way_back_;  // set with results_
    kept_results<Signatures...> results_;
};

}  // namespace rill::engine

namespace rill {

template <template <class, class> class Associator, class Operation, class Handler, class Candidate>
struct associator<Associator, engine::timed_handler<Operation, Handler>, Candidate> {
private:
    using of_target = Associator<Handler, Candidate>;
    using timed_handler = engine::timed_handler<Operation, Handler>;

public:
    using type = typename of_target::type;
    static decltype(auto) get(const timed_handler& t) noexcept { return of_target::get(t.target()); }
    static decltype(auto) get(const timed_handler& t, const Candidate& c) noexcept {
        return of_target::get(t.target(), c);
    }
};

}  // namespace rill

namespace rill::engine {

/// Sets a deadline whenever the operation is started.
template <class Initiation, class Deadline, class... Signatures>
struct timed_initiation : adapted_initiation_state<Initiation, Deadline> {
    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) && {
        std::move(this->initiation)(with_deadline(std::forward<Handler>(handler)), std::forward<Args>(args)...);
    }
    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) const& {
        this->initiation(with_deadline(std::forward<Handler>(handler)), std::forward<Args>(args)...);
    }

private:
    template <class Handler>
    auto with_deadline(Handler&& handler) const {
        using io_executor = associated_executor_t<Initiation>;
        using operation = timed_operation<Deadline, io_executor, std::decay_t<Handler>, Signatures...>;
        return operation::start(this->adapt, get_associated_executor(this->initiation), std::forward<Handler>(handler));
    }
};

}  // namespace rill::engine
