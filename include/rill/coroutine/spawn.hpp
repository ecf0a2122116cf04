// SPDX-License-Identifier: BSL-1.0
#pragma once

// Not part of rill.hpp: needs Boost.Context, which CMake's target rill::context brings.

#include <rill/core/error.hpp>
#include <rill/coroutine/fiber.hpp>
#include <rill/coroutine/operation_awaiter.hpp>
#include <rill/coroutine/spawned.hpp>
#include <rill/engine/scheduler/operation_memory.hpp>
#include <rill/execution/any_io_executor.hpp>
#include <rill/execution/execution_context.hpp>
#include <rill/execution/executor.hpp>
#include <rill/token/async_result.hpp>
#include <rill/token/deferred.hpp>

#include <boost/context/fixedsize_stack.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

class stackful_flow;
template <class Executor, class Function, class Handler, class StackAllocator>
class spawned_fiber;

}  // namespace rill::engine

namespace rill {

/// What spawn() gives to a function: the token by which the function waits for an operation, on its own stack. The
/// initiating function then returns when the operation is done: what it yields, or, for an error_code or exception_ptr in
/// front of that, throws.
///
/// Data     a copy of it is as good, within the function; it must not be used outside
/// Cancels  terminal, unless reset_cancellation_state() says otherwise: the operation in flight ends, and the next one
///          throws operation_aborted unless throw_if_cancelled(false) has been called
template <class Executor>
class basic_yield_context {
public:
    using executor_type = Executor;
    using cancellation_slot_type = cancellation_slot;

    /// The same with the executor as another type, such as any_io_executor.
    template <std::convertible_to<Executor> Other>
    basic_yield_context(const basic_yield_context<Other>& other)
        : flow_(other.flow_), executor_(other.executor_), ec_(other.ec_) {}

    /// `yield[ec]`: puts the operation's error_code into @p ec; nothing is thrown for it then.
    basic_yield_context operator[](error_code& ec) const {
        basic_yield_context copy(*this);
        copy.ec_ = &ec;
        return copy;
    }

    executor_type get_executor() const noexcept { return executor_; }

    /// That of the operation which is in flight: for functions that start one in another way.
    cancellation_slot_type get_cancellation_slot() const noexcept;
    cancellation_state get_cancellation_state() const noexcept;

    /// Forgets what has come in, and filters anew: terminal only, one filter for what comes in and what goes on, or one
    /// for each.
    /// Throws  std::bad_alloc
    template <class... Filters>
        requires(sizeof...(Filters) <= 2)
    void reset_cancellation_state(Filters&&... filters) const;

    /// What has come in; none if nothing.
    cancellation_type cancelled() const noexcept;

    /// Whether waiting throws operation_aborted once a cancellation has come in.
    bool throw_if_cancelled() const noexcept;
    void throw_if_cancelled(bool on) const noexcept;

private:
    template <class>
    friend class basic_yield_context;
    template <class, class...>
    friend class async_result;
    template <class, class, class, class>
    friend class engine::spawned_fiber;

    basic_yield_context(engine::stackful_flow& f, const Executor& ex) : flow_(&f), executor_(ex) {}

    engine::stackful_flow* flow_;
    RILL_NO_UNIQUE_ADDRESS Executor executor_;
    error_code* ec_ = nullptr;
};

using yield_context = basic_yield_context<any_io_executor>;

}  // namespace rill

namespace rill::engine {

/// Something that spawn() runs: called with a basic_yield_context.
template <class F, class Executor>
concept yielding_function = std::invocable<std::decay_t<F>, basic_yield_context<Executor>>;

template <class F, class Executor>
using yielded_result = std::decay_t<std::invoke_result_t<std::decay_t<F>, basic_yield_context<Executor>>>;

template <class F, class Executor>
using yielding_signature = typename spawn_signature<yielded_result<F, Executor>>::type;

/// A StackAllocator of Boost.Context.
template <class T>
concept stack_allocator = std::move_constructible<T> && requires(T& a, boost::context::stack_context& s) {
    { a.allocate() } -> std::same_as<boost::context::stack_context>;
    a.deallocate(s);
};

template <class Executor>
struct initiate_spawn;

}  // namespace rill::engine

namespace rill {

/// Runs @p f as a coroutine with a stack of its own, on @p ex, from now on: inside this call, up to its first suspension,
/// if this thread is there already.
///
/// Data     @p f(yield) with a basic_yield_context<Executor>, which converts to yield_context; it is moved in and lives as
///          long as the coroutine. The stack comes from @p stacks: by default boost::context::fixedsize_stack;
///          boost::context::protected_fixedsize_stack ends the program when it overflows
/// Result   void(std::exception_ptr) if @p f returns void; void(std::exception_ptr, T) if it returns a T, with a T() if
///          there is an exception. Never called from inside this function
/// Cancels  terminal, unless the coroutine changes that
/// Threads  with several threads in run() the coroutine may go on on another one each time: it must not keep what belongs
///          to a thread, such as a lock. Destroyed while it waits, as its context is, its stack is unwound by an exception
///          that is of no type the function knows
/// Throws   std::bad_alloc; what moving @p f throws
template <execution::executor Executor, engine::stack_allocator StackAllocator, engine::yielding_function<Executor> F,
          class Token = default_completion_token_t<Executor>>
auto spawn(const Executor& ex, std::allocator_arg_t, StackAllocator stacks, F&& f,
           Token&& token = default_completion_token_t<Executor>()) {
    return async_initiate<Token, engine::yielding_signature<F, Executor>>(engine::initiate_spawn<Executor>{ex}, token,
                                                                          std::forward<F>(f), std::move(stacks));
}
template <execution::executor Executor, engine::yielding_function<Executor> F,
          class Token = default_completion_token_t<Executor>>
auto spawn(const Executor& ex, F&& f, Token&& token = default_completion_token_t<Executor>()) {
    return spawn(ex, std::allocator_arg, boost::context::fixedsize_stack(), std::forward<F>(f),
                 std::forward<Token>(token));
}

// The same on a context's executor.
template <std::derived_from<execution_context> Context, engine::stack_allocator StackAllocator,
          engine::yielding_function<typename Context::executor_type> F,
          class Token = default_completion_token_t<typename Context::executor_type>>
auto spawn(Context& ctx, std::allocator_arg_t, StackAllocator stacks, F&& f,
           Token&& token = default_completion_token_t<typename Context::executor_type>()) {
    return spawn(ctx.get_executor(), std::allocator_arg, std::move(stacks), std::forward<F>(f),
                 std::forward<Token>(token));
}
template <std::derived_from<execution_context> Context, engine::yielding_function<typename Context::executor_type> F,
          class Token = default_completion_token_t<typename Context::executor_type>>
auto spawn(Context& ctx, F&& f, Token&& token = default_completion_token_t<typename Context::executor_type>()) {
    return spawn(ctx.get_executor(), std::forward<F>(f), std::forward<Token>(token));
}

// The same on the executor of another coroutine. Its cancellation does not reach the new one.
template <class Executor, engine::stack_allocator StackAllocator, engine::yielding_function<Executor> F,
          class Token = default_completion_token_t<Executor>>
auto spawn(const basic_yield_context<Executor>& yield, std::allocator_arg_t, StackAllocator stacks, F&& f,
           Token&& token = default_completion_token_t<Executor>()) {
    return spawn(yield.get_executor(), std::allocator_arg, std::move(stacks), std::forward<F>(f),
                 std::forward<Token>(token));
}
template <class Executor, engine::yielding_function<Executor> F, class Token = default_completion_token_t<Executor>>
auto spawn(const basic_yield_context<Executor>& yield, F&& f, Token&& token = default_completion_token_t<Executor>()) {
    return spawn(yield.get_executor(), std::forward<F>(f), std::forward<Token>(token));
}

}  // namespace rill

// Implementation

namespace rill::engine {

/// A flow of control with a stack of its own. It is in one place at a time: inside proceed(), or owned by the handler of
/// the one operation that it waits for.
class stackful_flow : public control_flow {
public:
    /// Runs the function until it waits for an operation, or ends. @p initiating: inside the initiating function that made
    /// the flow.
    void proceed(bool initiating = false) {
        for (;;) {
            fiber_.enter();
            if (fiber_.ended())
                return finish(initiating);
            // The operation is started here, off the function's stack, which another thread may enter from then on.
            initiation here(*this);
            auto* start = std::exchange(start_, nullptr);
            try {
                start->call(*start);
            } catch (...) {
                if (!here.abandoned() && !here.completed())
                    throw;  // the operation has been started all the same
                failure_ = std::current_exception();
            }
            if (here.completed() || (here.abandoned() && failure_))
                continue;
            if (here.abandoned())
                destroy();
            return;
        }
    }

    /// The operation will not complete: unwinds the stack, and frees the flow.
    void destroy() noexcept {
        is_unwinding_ = true;
        fiber_.enter();
        RILL_ASSERT(fiber_.ended());
        discard();
    }

    /// For the function: calls @p start outside of its stack, and waits for proceed().
    /// Throws  what start() throws
    template <class Start>
    void wait_for(Start&& start) {
        struct callable : starter {
            explicit callable(Start& s) noexcept
                : starter{[](starter& self) { static_cast<callable&>(self).start(); }}, start(s) {}
            Start& start;
        } c(start);
        if (!is_unwinding_) {
            start_ = &c;
            fiber_.leave();
        }
        if (is_unwinding_)
            throw unwinding();
        if (failure_)
            std::rethrow_exception(std::exchange(failure_, nullptr));
    }

protected:
    /// Thrown where the function waits for what will not be.
    struct unwinding {};

    stackful_flow(const boost::context::stack_context& stack, fiber::function f) noexcept : fiber_(stack, f, this) {}
    ~stackful_flow() = default;

private:
    /// Starts an operation; lies on the function's stack.
    struct starter {
        void (*call)(starter&);
    };

    /// The function has ended: tells whoever waits, and frees the flow.
    virtual void finish(bool initiating) = 0;
    /// Frees the flow, which has nothing on its stack, without telling anybody.
    virtual void discard() noexcept = 0;

    fiber fiber_;
    starter* start_ = nullptr;    // of the operation to start once the function has left
    std::exception_ptr failure_;  // of start_
    bool is_unwinding_ = false;
};

/// A flow together with a yield_context's executor: what the handler of an operation sees of it.
template <class Executor>
struct yielding_flow {
    using executor_type = Executor;
    using operation_allocator_type = flow_allocator<void>;

    stackful_flow& flow;
    const Executor& ex;

    operator const control_flow&() const noexcept { return flow; }
    const Executor& executor() const noexcept { return ex; }
    operation_allocator_type operation_allocator() const noexcept { return operation_allocator_type(flow); }
    cancellation_slot operation_slot() const noexcept { return flow.operation_slot(); }
    void proceed() const { flow.proceed(); }
    void destroy() const noexcept { flow.destroy(); }
};

/// A stackful coroutine that a handler waits for, with the function that it runs, and what that captured, until it has
/// ended.
template <class Executor, class Function, class Handler, class StackAllocator>
class spawned_fiber final : public stackful_flow,
                            public spawned<spawned_fiber<Executor, Function, Handler, StackAllocator>, Executor,
                                           yielded_result<Function, Executor>, Handler> {
    using ending = spawned<spawned_fiber, Executor, yielded_result<Function, Executor>, Handler>;
    using memory = operation_memory<spawned_fiber, associated_allocator_t<Handler>>;
    friend ending;

public:
    template <class F, class H>
    static void start(const Executor& ex, F&& function, H&& handler, StackAllocator stacks) {
        auto allocator = get_associated_allocator(handler);
        auto stack = stacks.allocate();
        spawned_fiber* self;
        try {
            self = memory::create(allocator, ex, std::forward<F>(function), std::forward<H>(handler), stack, stacks);
        } catch (...) {
            stacks.deallocate(stack);
            throw;
        }
        self->launch(ex);
    }

    template <class F, class H>
    spawned_fiber(const Executor& ex, F&& f, H&& h, const boost::context::stack_context& stack, StackAllocator& stacks)
        : stackful_flow(stack, &run_function),
          ending(ex, std::forward<H>(h)),
          function_(std::forward<F>(f)),
          executor_(ex),
          stack_(stack),
          stacks_(std::move(stacks)) {}

private:
    ~spawned_fiber() = default;

    void begin(bool initiating) { this->proceed(initiating); }

    // On its own stack.
    static void run_function(void* flow) noexcept {
        auto& self = static_cast<spawned_fiber&>(*static_cast<stackful_flow*>(flow));
        try {
            basic_yield_context<Executor> yield(self, self.executor_);
            if constexpr (ending::has_value)
                self.set_value(std::move(self.function_)(yield));
            else
                std::move(self.function_)(yield);
        } catch (const unwinding&) {
        } catch (...) {
            self.set_error(std::current_exception());
        }
    }

    void finish(bool initiating) override { this->send_off(initiating); }
    void discard() noexcept override { this->give_up(); }

    static void free(spawned_fiber& self, const Handler& handler) noexcept {
        auto allocator = get_associated_allocator(handler);
        auto stack = self.stack_;
        auto stacks = std::move(self.stacks_);
        self.~spawned_fiber();
        stacks.deallocate(stack);
        memory::deallocate(allocator, &self);
    }

    Function function_;
    RILL_NO_UNIQUE_ADDRESS Executor executor_;
    boost::context::stack_context stack_;
    RILL_NO_UNIQUE_ADDRESS StackAllocator stacks_;
};

template <class Executor>
struct initiate_spawn {
    using executor_type = Executor;
    Executor executor;

    executor_type get_executor() const noexcept { return executor; }

    template <class Handler, class F, class StackAllocator>
    void operator()(Handler&& handler, F&& function, StackAllocator&& stacks) const {
        spawned_fiber<Executor, std::decay_t<F>, std::decay_t<Handler>, std::decay_t<StackAllocator>>::start(
            executor, std::forward<F>(function), std::forward<Handler>(handler), std::forward<StackAllocator>(stacks));
    }
};

}  // namespace rill::engine

namespace rill {

template <class Executor>
cancellation_slot basic_yield_context<Executor>::get_cancellation_slot() const noexcept {
    return flow_->cancellation().slot();
}
template <class Executor>
cancellation_state basic_yield_context<Executor>::get_cancellation_state() const noexcept {
    return flow_->cancellation();
}
template <class Executor>
template <class... Filters>
    requires(sizeof...(Filters) <= 2)
void basic_yield_context<Executor>::reset_cancellation_state(Filters&&... filters) const {
    flow_->reset_cancellation(std::forward<Filters>(filters)...);
}
template <class Executor>
cancellation_type basic_yield_context<Executor>::cancelled() const noexcept {
    return flow_->cancellation().cancelled();
}
template <class Executor>
bool basic_yield_context<Executor>::throw_if_cancelled() const noexcept {
    return flow_->throws_if_cancelled();
}
template <class Executor>
void basic_yield_context<Executor>::throw_if_cancelled(bool on) const noexcept {
    flow_->throws_if_cancelled(on);
}

template <class Executor, completion_signature Signature>
class async_result<basic_yield_context<Executor>, Signature> {
    using result = engine::awaited_result<Signature>;
    using values = typename result::values;

public:
    template <class Initiation, class... Args>
    static auto initiate(Initiation&& initiation, const basic_yield_context<Executor>& yield, Args&&... args) {
        engine::stackful_flow& flow = *yield.flow_;
        if (flow.must_throw()) [[unlikely]]
            throw_error(error::operation_aborted, "yield");
        engine::yielding_flow<Executor> seen{flow, yield.executor_};
        std::optional<values> v;
        flow.wait_for([&] {
            std::forward<Initiation>(initiation)(
                engine::awaiting_handler<engine::yielding_flow<Executor>, values>(seen, v),
                std::forward<Args>(args)...);
        });
        if constexpr (std::tuple_size_v<values> != 0) {
            if constexpr (std::same_as<std::tuple_element_t<0, values>, error_code>) {
                if (yield.ec_)
                    *yield.ec_ = std::exchange(std::get<0>(*v), error_code());
            }
        }
        return result::get(std::move(*v), "yield");
    }
};

}  // namespace rill
