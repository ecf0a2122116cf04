// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/inline_executor.hpp>
#include <rill/context/system_executor.hpp>
#include <rill/engine/scheduler/operation_memory.hpp>
#include <rill/execution/loop_reference.hpp>
#include <rill/execution/properties.hpp>
#include <rill/token/associated_allocator.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/async_result.hpp>
#include <rill/token/deferred.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

// What post(), dispatch() and defer() have in common.

namespace rill::engine {

/// Gives @p f to @p ex as it is, with the allocator if it is the user's.
template <class Executor, class Function, class Allocator>
void execute_with(const Executor& ex, Function&& f, const Allocator& allocator) {
    if constexpr (is_default_allocator<Allocator>)
        ex.execute(std::forward<Function>(f));
    else
        prefer(ex, execution::allocator(allocator)).execute(std::forward<Function>(f));
}

/// The same in a Manner: by the executor's own function for it, if it has one, as strands do, since a copy with other
/// properties is not free for them; else by such a copy, which for a loop is one word.
template <class Manner, class Executor, class Function, class Allocator>
RILL_INLINE void execute_in(const Executor& ex, Function&& f, const Allocator& allocator) {
    if constexpr (requires { Manner::submit(ex, std::forward<Function>(f), allocator); }) {
        Manner::submit(ex, std::forward<Function>(f), allocator);
    } else {
        if constexpr (refers_to_loop<Executor>) {
            if (const loop_reference l = ex.reference()) {
                Manner::adapt(l).execute(std::forward<Function>(f), allocator);
                return;
            }
        }
        execute_with(Manner::adapt(ex), std::forward<Function>(f), allocator);
    }
}

/// Runs @p f on @p ex, inside this call if ex allows it.
template <class Executor, class Function, class Allocator>
void submit(const Executor& ex, Function&& f, const Allocator& allocator) {
    execute_with(prefer(ex, execution::blocking.possibly), std::forward<Function>(f), allocator);
}

/// A handler on its way to its own executor, whose context is kept at work meanwhile.
template <class Handler, class Executor>
struct forwarded_handler {
    Handler handler;
    Executor executor;

    void operator()() {
        auto allocator = get_associated_allocator(handler);
        submit(executor, std::move(handler), allocator);
    }
};

/// Submits a handler to its associated executor, in a Manner.
template <class Manner>
struct submit_to_associated {
    template <class Handler>
    void operator()(Handler&& handler) const {
        auto ex = get_associated_executor(handler);
        auto allocator = get_associated_allocator(handler);
        execute_in<Manner>(ex, std::forward<Handler>(handler), allocator);
    }
};

/// Submits a handler to an executor, in a Manner, and from there to its associated executor if that is another one.
template <class Manner, class Executor>
struct submit_to_executor {
    using executor_type = Executor;
    Executor executor;

    executor_type get_executor() const noexcept { return executor; }

    template <class Handler>
    void operator()(Handler&& handler) const {
        using decayed = std::decay_t<Handler>;
        auto allocator = get_associated_allocator(handler);
        if constexpr (has_associated_executor<decayed>) {
            auto own = get_associated_executor(handler, executor);
            bool same = false;
            if constexpr (std::equality_comparable_with<decltype(own), Executor>)
                same = own == executor;
            if (!same) {
                auto tracked = prefer(own, execution::outstanding_work.tracked);
                execute_in<Manner>(
                    executor,
                    forwarded_handler<decayed, decltype(tracked)>{std::forward<Handler>(handler), std::move(tracked)},
                    allocator);
                return;
            }
        }
        execute_in<Manner>(executor, std::forward<Handler>(handler), allocator);
    }
};

/// A function without arguments that is submitted to run before a handler, which gets what it returns.
template <class T>
concept submitted_function = std::move_constructible<std::decay_t<T>> && std::constructible_from<std::decay_t<T>, T> &&
    std::invocable<std::decay_t<T>>;

template <class Result>
struct signature_for_result {
    using type = void(Result);
};
template <>
struct signature_for_result<void> {
    using type = void();
};

/// The signature of the handler that gets what Function returns.
template <class Function>
using function_signature =
    typename signature_for_result<std::decay_t<std::invoke_result_t<std::decay_t<Function>>>>::type;

/// A handler and the result that it waited for.
template <class Handler, class Result>
struct answered_handler {
    Handler handler;
    Result result;

    void operator()() { std::move(handler)(std::move(result)); }
};

/// A function, the handler that waits for its result, and where that runs. The function is gone when the handler runs,
/// and the handler is destroyed uncalled if the function throws.
template <class Function, class Handler, class HandlerExecutor>
struct function_with_handler {
    Function function;
    Handler handler;
    HandlerExecutor executor;

    void operator()() {
        using result = std::decay_t<std::invoke_result_t<Function>>;
        auto allocator = get_associated_allocator(handler);
        if constexpr (std::is_void_v<result>) {
            call();
            submit(executor, std::move(handler), allocator);
        } else {
            result value = call();
            submit(executor, answered_handler<Handler, result>{std::move(handler), std::move(value)}, allocator);
        }
    }

private:
    decltype(auto) call() {
        Function f(std::move(function));
        return std::move(f)();
    }
};

/// Submits a function to an executor, in a Manner, and from there a handler, with the result, to its associated
/// executor; without one it runs where the function has run.
template <class Manner, class Executor>
struct submit_function {
    using executor_type = Executor;
    Executor executor;

    executor_type get_executor() const noexcept { return executor; }

    template <class Handler, class Function>
    void operator()(Handler&& handler, Function&& function) const {
        using decayed = std::decay_t<Handler>;
        auto allocator = get_associated_allocator(handler);
        if constexpr (has_associated_executor<decayed>) {
            auto own = prefer(get_associated_executor(handler, executor), execution::outstanding_work.tracked);
            submit_both(std::forward<Handler>(handler), std::forward<Function>(function), std::move(own), allocator);
        } else {
            submit_both(std::forward<Handler>(handler), std::forward<Function>(function), inline_executor(), allocator);
        }
    }

private:
    template <class Handler, class Function, class HandlerExecutor, class Allocator>
    void submit_both(Handler&& handler, Function&& function, HandlerExecutor own, const Allocator& allocator) const {
        using both = function_with_handler<std::decay_t<Function>, std::decay_t<Handler>, HandlerExecutor>;
        execute_in<Manner>(executor,
                           both{std::forward<Function>(function), std::forward<Handler>(handler), std::move(own)},
                           allocator);
    }
};

}  // namespace rill::engine
