// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/submission.hpp>

namespace rill::engine {

struct post_manner {
    template <class Executor>
    static auto adapt(const Executor& ex) {
        return prefer(require(ex, execution::blocking.never), execution::relationship.fork);
    }
    static loop_reference adapt(loop_reference l) noexcept {
        return l.with(execution::blocking.never).with(execution::relationship.fork);
    }
    template <class Executor, class Function, class Allocator>
    static auto submit(const Executor& ex, Function&& f, const Allocator& a)
        -> decltype(ex.post(std::forward<Function>(f), a)) {
        return ex.post(std::forward<Function>(f), a);
    }
};

}  // namespace rill::engine

namespace rill {

/// Runs a function on its associated executor, after this call and never inside it.
///
/// Result    void()
/// Threads   any
/// Throws    std::bad_alloc; what copying or moving the handler throws
template <class Token = deferred_t>
    requires(!execution::executor<std::decay_t<Token>> && !std::derived_from<std::decay_t<Token>, execution_context>)
auto post(Token&& token = Token()) {
    return async_initiate<Token, void()>(engine::submit_to_associated<engine::post_manner>(), token);
}

/// The same on @p ex, and from there, if the handler has an associated executor of its own, on that.
template <execution::executor Executor, class Token = default_completion_token_t<Executor>>
auto post(const Executor& ex, Token&& token = default_completion_token_t<Executor>()) {
    return async_initiate<Token, void()>(engine::submit_to_executor<engine::post_manner, Executor>{ex}, token);
}

/// The same on @p ctx's executor.
template <std::derived_from<execution_context> Context,
          class Token = default_completion_token_t<typename Context::executor_type>>
auto post(Context& ctx, Token&& token = default_completion_token_t<typename Context::executor_type>()) {
    return post(ctx.get_executor(), std::forward<Token>(token));
}

/// Runs @p function on @p ex, never inside this call, and then the handler, with what the function has
/// returned, on its associated executor. A handler that has none runs there too.
///
/// Data      @p function takes no arguments; moving it is enough
/// Result    void(R), where R is what the function returns, decayed; void() if it returns nothing
/// Errors    none: what the function throws comes out of the executor, as it does from a function submitted without a
///           token, and the handler is destroyed uncalled
/// Threads   any
/// Throws    std::bad_alloc; what copying or moving the function or the handler throws
template <execution::executor Executor, engine::submitted_function Function, class Token>
auto post(const Executor& ex, Function&& function, Token&& token) {
    return async_initiate<Token, engine::function_signature<Function>>(
        engine::submit_function<engine::post_manner, Executor>{ex}, token, std::forward<Function>(function));
}

/// The same on @p ctx's executor.
template <std::derived_from<execution_context> Context, engine::submitted_function Function, class Token>
auto post(Context& ctx, Function&& function, Token&& token) {
    return post(ctx.get_executor(), std::forward<Function>(function), std::forward<Token>(token));
}

}  // namespace rill
