// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/cancellation_signal.hpp>
#include <rill/engine/request/request.hpp>
#include <rill/engine/scheduler/loop.hpp>
#include <rill/engine/scheduler/operation_memory.hpp>
#include <rill/operation/delivery.hpp>
#include <rill/token/associated_allocator.hpp>
#include <rill/token/associated_cancellation_slot.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/associated_immediate_executor.hpp>

#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// Lets a slot cancel a request. The loop is asked; it answers the request, or finds that it has.
class slot_binding : public cancellation_hook {
public:
    slot_binding(loop& l, request& r) noexcept : cancellation_hook(&cancel), loop_(l), message_(r) {}

    /// Afterwards neither a signal nor the loop's inbox knows the request.
    void release() noexcept {
        disconnect();
        loop_.take_back(message_);
    }

private:
    // Any thread, with the signal locked: it only leaves word.
    static void cancel(cancellation_hook& hook, cancellation_type type) {
        constexpr auto known = cancellation_type::terminal | cancellation_type::partial | cancellation_type::total;
        auto& self = static_cast<slot_binding&>(hook);
        if (!!(type & known))
            self.loop_.cancel(self.message_);
    }

    loop& loop_;
    cancel_message message_;
};

/// Stands for the binding of handlers that have no slot.
struct no_slot_binding {
    no_slot_binding(loop&, request&) noexcept {}
    void connect(cancellation_slot) noexcept {}
    void release() noexcept {}
};

/// A request together with its handler. An Ask is a kind of request with a member result(), the handler's arguments.
///
/// Completion, in this order: the request is answered; the slot is released, so that no signal knows the operation; the
/// handler is moved out; the memory is freed; the handler is called. So a handler finds the memory of its own operation
/// free for the next one.
template <class Ask, class Handler, class IoExecutor>
class operation final : public Ask {
    using allocator = associated_allocator_t<Handler>;
    using memory = operation_memory<operation, allocator>;
    using binding = std::conditional_t<has_associated_cancellation_slot<Handler>, slot_binding, no_slot_binding>;

public:
    /// Starts the operation; @p args make the Ask.
    /// Throws  std::bad_alloc, what moving the handler throws: nothing has been started then
    template <class H, class... Args>
    static void start(loop& l, const IoExecutor& ex, H&& handler, Args&&... args) {
        allocator a = get_associated_allocator(handler);
        operation* self = memory::create(a, l, ex, std::forward<H>(handler), std::forward<Args>(args)...);
        // Bound first: once it is started, another thread may complete it at any time.
        self->binding_.connect(get_associated_cancellation_slot(self->handler_));
        if constexpr (has_associated_immediate_executor<Handler>) {
            if (l.start_or_answer(*self)) {
                struct finish_work {
                    loop& l;
                    ~finish_work() { l.work_finished(); }
                } finish{l};  // delivered first: a loop must not run out of work in between
                self->deliver_at_once(ex);
            }
        } else {
            l.start(*self);
        }
    }

    /// Makes the operation for somebody who starts it, or runs it without an owner. No slot can cancel it.
    /// Throws  as start() does
    template <class H, class... Args>
    static operation& make(loop& l, const IoExecutor& ex, H&& handler, Args&&... args) {
        allocator a = get_associated_allocator(handler);
        return *memory::create(a, l, ex, std::forward<H>(handler), std::forward<Args>(args)...);
    }

    template <class H, class... Args>
    operation(loop& l, const IoExecutor& ex, H&& handler, Args&&... args)
        : Ask(&deliver, std::forward<Args>(args)...),
          handler_(std::forward<H>(handler)),
          route_(l, get_associated_executor(handler_, ex)),
          binding_(l, *this) {}

private:
    ~operation() = default;

    // The allocator is that of the handler, which has been moved out.
    void free(const Handler& handler) noexcept {
        allocator a = get_associated_allocator(handler);
        this->~operation();
        memory::deallocate(a, this);
    }

    // From the loop that answered it, with owner; or, without, as its context is destroyed.
    static void deliver(loop* owner, task& base) {
        auto& self = static_cast<operation&>(base);
        self.binding_.release();
        if (owner && self.route_.leads_elsewhere()) {
            self.becomes_plain_task();
            self.route_.submit(self);
        } else {
            complete(owner, base);
        }
    }

    // Answered within start(): straight to the immediate executor.
    void deliver_at_once(const IoExecutor& ex) {
        binding_.release();
        becomes_plain_task();
        auto immediate = get_associated_immediate_executor(handler_, ex);
        immediate.execute(owned_task(*this));
    }

    // Any loop, or executor, may run it now.
    void becomes_plain_task() noexcept {
        this->run = &complete;
        this->arrives_as = message::run;
    }

    // Where the handler belongs.
    static void complete(loop* owner, task& base) {
        auto& self = static_cast<operation&>(base);
        if (!owner) {
            Handler unused(std::move(self.handler_));
            self.free(unused);
            return;
        }
        auto result = self.result();
        Handler handler(std::move(self.handler_));
        self.free(handler);
        std::apply(std::move(handler), std::move(result));
    }

    Handler handler_;
    delivery_route<associated_executor_t<Handler, IoExecutor>> route_;
    RILL_NO_UNIQUE_ADDRESS binding binding_;
};

/// Starts operation<Ask, ...> for @p handler.
template <class Ask, class Handler, class IoExecutor, class... Args>
void start_operation(loop& l, const IoExecutor& ex, Handler&& handler, Args&&... args) {
    operation<Ask, std::decay_t<Handler>, IoExecutor>::start(l, ex, std::forward<Handler>(handler),
                                                             std::forward<Args>(args)...);
}

/// operation<Ask, ...>::make() for @p handler.
template <class Ask, class Handler, class IoExecutor, class... Args>
Ask& make_operation(loop& l, const IoExecutor& ex, Handler&& handler, Args&&... args) {
    return operation<Ask, std::decay_t<Handler>, IoExecutor>::make(l, ex, std::forward<Handler>(handler),
                                                                   std::forward<Args>(args)...);
}

}  // namespace rill::engine
