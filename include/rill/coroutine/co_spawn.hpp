// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/coroutine/awaitable.hpp>
#include <rill/engine/scheduler/operation_memory.hpp>
#include <rill/execution/execution_context.hpp>
#include <rill/execution/executor_or_context.hpp>
#include <rill/execution/owned_task.hpp>
#include <rill/token/associated_allocator.hpp>
#include <rill/token/associated_cancellation_slot.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/async_result.hpp>

#include <concepts>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// The handler's signature for a coroutine that yields a T.
template <class T>
struct spawn_signature {
    using type = void(std::exception_ptr, T);
};
template <>
struct spawn_signature<void> {
    using type = void(std::exception_ptr);
};

/// Room for the value that a coroutine yields.
template <class T>
struct spawned_value_room {
    using type = std::optional<T>;
};
template <>
struct spawned_value_room<void> {
    struct type {};
};
template <class T>
using spawned_value = typename spawned_value_room<T>::type;

struct no_executor_of_its_own {};

/// A coroutine thread that a handler waits for. It holds the function that made the coroutine, and so what the function
/// captured, until the coroutine has ended. As a task it starts the coroutine, and later calls the handler.
template <class Awaitable, class Function, class Handler>
class spawned_thread final : public coroutine_thread_on<typename Awaitable::executor_type>, public task {
    using executor_type = typename Awaitable::executor_type;
    using promise_type = typename Awaitable::promise_type;
    using value_type = typename Awaitable::value_type;
    using allocator = associated_allocator_t<Handler>;
    using memory = operation_memory<spawned_thread, allocator>;

    static constexpr bool has_value = !std::is_void_v<value_type>;
    static_assert(!has_value || std::default_initializable<value_type>,
                  "co_spawn: the handler is given a T() with an exception, so the T of awaitable<T> must have one");

    // While the coroutine runs, its context is kept at work, and so is that of the handler if that names its own.
    using handler_executor = associated_executor_t<Handler, executor_type>;
    template <class Executor>
    using tracked = decltype(prefer(std::declval<const Executor&>(), execution::outstanding_work.tracked));

public:
    template <class F, class H>
    static void start(const executor_type& ex, F&& function, H&& handler) {
        allocator a = get_associated_allocator(handler);
        spawned_thread* self = memory::create(a, ex, std::forward<F>(function), std::forward<H>(handler));
        owned_task starter(*self);
        self->bind(get_associated_cancellation_slot(self->handler_));
        coroutine_thread::initiation here(*self);
        prefer(ex, execution::blocking.possibly).execute(std::move(starter));
    }

    template <class F, class H>
    spawned_thread(const executor_type& ex, F&& f, H&& h)
        : coroutine_thread_on<executor_type>(ex),
          task(&begin_here),
          function_(std::forward<F>(f)),
          handler_(std::forward<H>(h)),
          work_(prefer(ex, execution::outstanding_work.tracked)) {
        if constexpr (has_associated_executor<Handler>)
            handler_work_.emplace(prefer(get_associated_executor(handler_, ex), execution::outstanding_work.tracked));
    }

private:
    ~spawned_thread() = default;

    // The first run of the task, on the executor.
    static void begin_here(loop* owner, task& base) {
        auto& self = static_cast<spawned_thread&>(base);
        if (!owner) {
            self.destroy();
            return;
        }
        bool initiating = coroutine_thread::initiation::note_completion(self);
        promise_type* root;
        try {
            root = self.function_().release();
        } catch (...) {
            self.error_ = std::current_exception();
            self.send_off(initiating);
            return;
        }
        self.begin(*root);
        self.proceed(initiating);
    }

    void finish(bool initiating) override {
        auto& root = static_cast<promise_type&>(*this->top());
        error_ = std::move(root.error);
        if constexpr (has_value) {
            if (!error_)
                value_.emplace(root.take());
        }
        root.handle.destroy();
        send_off(initiating);
    }

    // To the handler's executor, where this thread already is if it names none.
    void send_off(bool initiating) {
        this->unbind();
        this->run = &complete;
        // The thread may be gone before execute() returns; and this context need not wait for the handler's.
        auto work = std::exchange(work_, std::nullopt);
        if constexpr (has_associated_executor<Handler>) {
            auto own = std::exchange(handler_work_, std::nullopt);
            send_by(*own, initiating);
        } else if (initiating) {
            send_by(*work, true);
        } else {
            complete(outside_any_loop(), *this);
        }
    }

    template <class Executor>
    void send_by(const Executor& ex, bool initiating) {
        if (initiating)
            require(ex, execution::blocking.never).execute(owned_task(*this));
        else
            prefer(ex, execution::blocking.possibly).execute(owned_task(*this));
    }

    // The last run of the task: frees the thread and calls the handler.
    static void complete(loop* owner, task& base) {
        auto& self = static_cast<spawned_thread&>(base);
        if (!owner) {
            self.discard();
            return;
        }
        Handler handler(std::move(self.handler_));
        std::exception_ptr error(std::move(self.error_));
        if constexpr (has_value) {
            value_type value = self.value_ ? std::move(*self.value_) : value_type();
            self.free(handler);
            std::move(handler)(std::move(error), std::move(value));
        } else {
            self.free(handler);
            std::move(handler)(std::move(error));
        }
    }

    void discard() noexcept override {
        this->unbind();
        Handler unused(std::move(handler_));
        free(unused);
    }

    void free(const Handler& handler) noexcept {
        allocator a = get_associated_allocator(handler);
        this->~spawned_thread();
        memory::deallocate(a, this);
    }

    Function function_;
    Handler handler_;
    std::optional<tracked<executor_type>> work_;
    RILL_NO_UNIQUE_ADDRESS std::conditional_t<has_associated_executor<Handler>,
                                              std::optional<tracked<handler_executor>>, no_executor_of_its_own>
        handler_work_;
    std::exception_ptr error_;
    RILL_NO_UNIQUE_ADDRESS spawned_value<value_type> value_;
};

/// Something that co_spawn() makes a coroutine of: a function without arguments that returns an awaitable.
template <class F>
concept awaitable_function = requires(F& f) {
    requires is_awaitable<std::remove_cvref_t<decltype(f())>>;
};

/// What co_spawn() takes: such a function, an awaitable, or an operation that was given use_awaitable.
template <class F>
concept spawnable = awaitable_function<F> || is_awaitable<F> || requires {
    typename F::awaitable_type;
};

struct spawnable_needed__pass_an_awaitable_or_a_function_without_arguments_that_returns_one {};

template <awaitable_function F>
using awaitable_of = std::remove_cvref_t<decltype(std::declval<F&>()())>;

template <awaitable_function F>
using spawn_signature_t = typename spawn_signature<typename awaitable_of<F>::value_type>::type;

template <class Executor>
struct initiate_co_spawn {
    using executor_type = Executor;
    Executor executor;

    executor_type get_executor() const noexcept { return executor; }

    template <class Handler, class F>
    void operator()(Handler&& handler, F&& function) const {
        using function_type = std::decay_t<F>;
        using awaitable_type = awaitable_of<function_type>;
        spawned_thread<awaitable_type, function_type, std::decay_t<Handler>>::start(
            typename awaitable_type::executor_type(executor), std::forward<F>(function),
            std::forward<Handler>(handler));
    }
};

/// Gives an awaitable that was made beforehand.
template <class Awaitable>
struct given_awaitable {
    Awaitable value;
    Awaitable operator()() { return std::move(value); }
};

}  // namespace rill::engine

namespace rill {

/// Runs the coroutine that @p f returns on @p ex, from now on: inside this call, up to its first suspension, if this
/// thread is there already.
///
/// Data     @p f is moved in and lives as long as the coroutine: captures of a lambda are safe to use in it
/// Result   void(std::exception_ptr) for awaitable<void>; void(std::exception_ptr, T) for awaitable<T>, with a T() if
///          there is an exception. Never called from inside this function
/// Cancels  terminal, unless the coroutine changes that by this_coro::reset_cancellation_state(): the operation that it
///          awaits ends, and its next co_await throws operation_aborted
/// Throws   std::bad_alloc; what moving @p f throws
template <execution::executor Executor, class F, class Token = default_completion_token_t<Executor>>
    requires engine::awaitable_function<std::decay_t<F>>
auto co_spawn(const Executor& ex, F&& f, Token&& token = default_completion_token_t<Executor>()) {
    static_assert(std::convertible_to<Executor, typename engine::awaitable_of<std::decay_t<F>>::executor_type>,
                  "co_spawn: the executor must convert to the awaitable's executor_type");
    return async_initiate<Token, engine::spawn_signature_t<std::decay_t<F>>>(engine::initiate_co_spawn<Executor>{ex},
                                                                             token, std::forward<F>(f));
}

/// Runs @p a on @p ex.
template <execution::executor Executor, class T, class AwaitableExecutor,
          class Token = default_completion_token_t<Executor>>
auto co_spawn(const Executor& ex, awaitable<T, AwaitableExecutor> a,
              Token&& token = default_completion_token_t<Executor>()) {
    return co_spawn(ex, engine::given_awaitable<awaitable<T, AwaitableExecutor>>{std::move(a)},
                    std::forward<Token>(token));
}

/// Runs an operation that was given use_awaitable on @p ex.
template <execution::executor Executor, class Operation, class Token = default_completion_token_t<Executor>>
    requires requires { typename Operation::awaitable_type; }
auto co_spawn(const Executor& ex, Operation operation, Token&& token = default_completion_token_t<Executor>()) {
    return co_spawn(ex, typename Operation::awaitable_type(std::move(operation)), std::forward<Token>(token));
}

// The same on a context's executor.
template <std::derived_from<execution_context> Context, class F,
          class Token = default_completion_token_t<typename Context::executor_type>>
    requires engine::spawnable<std::decay_t<F>>
auto co_spawn(Context& ctx, F&& f, Token&& token = default_completion_token_t<typename Context::executor_type>()) {
    return co_spawn(ctx.get_executor(), std::forward<F>(f), std::forward<Token>(token));
}

// Not what is no coroutine, nor on what is no executor: the arguments of these templates say so.
template <class Where, class NotSpawnable, class... Token,
          class Mistake = engine::spawnable_needed__pass_an_awaitable_or_a_function_without_arguments_that_returns_one>
    requires(engine::executor_or_context<Where> && !engine::spawnable<std::decay_t<NotSpawnable>>)
void co_spawn(const Where&, NotSpawnable&&, Token&&...) = delete;
template <class NotExecutor, class... Rest, class Mistake = engine::executor_needed__pass_one_or_an_execution_context>
    requires(!engine::executor_or_context<NotExecutor>)
void co_spawn(const NotExecutor&, Rest&&...) = delete;

}  // namespace rill
