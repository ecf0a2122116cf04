// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/coroutine/awaitable.hpp>
#include <rill/coroutine/spawned.hpp>
#include <rill/engine/scheduler/operation_memory.hpp>
#include <rill/execution/execution_context.hpp>
#include <rill/execution/executor_or_context.hpp>
#include <rill/token/associated_allocator.hpp>
#include <rill/token/async_result.hpp>

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// A coroutine thread that a handler waits for. It holds the function that made the coroutine, and so what the function
/// captured, until the coroutine has ended.
template <class Awaitable, class Function, class Handler>
class spawned_thread final
    : public coroutine_thread_on<typename Awaitable::executor_type>,
      public spawned<spawned_thread<Awaitable, Function, Handler>, typename Awaitable::executor_type,
                     typename Awaitable::value_type, Handler> {
    using executor_type = typename Awaitable::executor_type;
    using promise_type = typename Awaitable::promise_type;
    using ending = spawned<spawned_thread, executor_type, typename Awaitable::value_type, Handler>;
    using memory = operation_memory<spawned_thread, associated_allocator_t<Handler>>;
    friend ending;

public:
    template <class F, class H>
    static void start(const executor_type& ex, F&& function, H&& handler) {
        auto allocator = get_associated_allocator(handler);
        memory::create(allocator, ex, std::forward<F>(function), std::forward<H>(handler))->launch(ex);
    }

    template <class F, class H>
    spawned_thread(const executor_type& ex, F&& f, H&& h)
        : coroutine_thread_on<executor_type>(ex), ending(ex, std::forward<H>(h)), function_(std::forward<F>(f)) {}

private:
    ~spawned_thread() = default;

    void begin(bool initiating) {
        promise_type* root;
        try {
            root = function_().release();
        } catch (...) {
            this->set_error(std::current_exception());
            this->send_off(initiating);
            return;
        }
        coroutine_thread::begin(*root);
        this->proceed(initiating);
    }

    void finish(bool initiating) override {
        auto& root = static_cast<promise_type&>(*this->top());
        if constexpr (ending::has_value) {
            if (!root.error)
                this->set_value(root.take());
        }
        this->set_error(std::move(root.error));
        root.handle.destroy();
        this->send_off(initiating);
    }

    void discard() noexcept override { this->give_up(); }

    static void free(spawned_thread& self, const Handler& handler) noexcept {
        auto allocator = get_associated_allocator(handler);
        self.~spawned_thread();
        memory::deallocate(allocator, &self);
    }

    Function function_;
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
