// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/submission.hpp>

namespace rill::engine {

struct dispatch_manner {
    template <class Executor>
    static const Executor& adapt(const Executor& ex) noexcept {
        return ex;  // one that never blocks stays so
    }
    static loop_reference adapt(loop_reference l) noexcept { return l; }
    template <class Executor, class Function, class Allocator>
    static auto submit(const Executor& ex, Function&& f, const Allocator& a)
        -> decltype(ex.dispatch(std::forward<Function>(f), a)) {
        return ex.dispatch(std::forward<Function>(f), a);
    }
};

}  // namespace rill::engine

namespace rill {

/// Runs a function on its associated executor, inside this call if the executor allows it: one that was required never
/// to block does not.
///
/// Result    void()
/// Threads   any
/// Throws    std::bad_alloc; what copying or moving the handler throws
template <class Token = deferred_t>
    requires(!execution::executor<std::decay_t<Token>> && !std::derived_from<std::decay_t<Token>, execution_context>)
auto dispatch(Token&& token = Token()) {
    return async_initiate<Token, void()>(engine::submit_to_associated<engine::dispatch_manner>(), token);
}

/// The same on @p ex, and from there, if the handler has an associated executor of its own, on that.
template <execution::executor Executor, class Token = default_completion_token_t<Executor>>
auto dispatch(const Executor& ex, Token&& token = default_completion_token_t<Executor>()) {
    return async_initiate<Token, void()>(engine::submit_to_executor<engine::dispatch_manner, Executor>{ex}, token);
}

/// The same on @p ctx's executor.
template <std::derived_from<execution_context> Context,
          class Token = default_completion_token_t<typename Context::executor_type>>
auto dispatch(Context& ctx, Token&& token = default_completion_token_t<typename Context::executor_type>()) {
    return dispatch(ctx.get_executor(), std::forward<Token>(token));
}

/// Runs @p function on @p ex, inside this call if the executor allows it, and then the handler, with what the function has
/// returned, on its associated executor. A handler that has none runs there too.
///
/// Data      @p function takes no arguments; moving it is enough
/// Result    void(R), where R is what the function returns, decayed; void() if it returns nothing
/// Errors    none: what the function throws comes out of the executor, as it does from a function submitted without a
///           token, and the handler is destroyed uncalled
/// Threads   any
/// Throws    std::bad_alloc; what copying or moving the function or the handler throws
template <execution::executor Executor, engine::submitted_function Function, class Token>
auto dispatch(const Executor& ex, Function&& function, Token&& token) {
    return async_initiate<Token, engine::function_signature<Function>>(
        engine::submit_function<engine::dispatch_manner, Executor>{ex}, token, std::forward<Function>(function));
}

/// The same on @p ctx's executor.
template <std::derived_from<execution_context> Context, engine::submitted_function Function, class Token>
auto dispatch(Context& ctx, Function&& function, Token&& token) {
    return dispatch(ctx.get_executor(), std::forward<Function>(function), std::forward<Token>(token));
}

}  // namespace rill
