// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/associated_immediate_executor.hpp>
#include <rill/token/post.hpp>
#include <rill/token/submission.hpp>

#include <utility>

namespace rill::engine {

template <class Executor>
struct initiate_immediate {
    using executor_type = Executor;
    Executor executor;

    executor_type get_executor() const noexcept { return executor; }

    template <class Handler>
    void operator()(Handler&& handler) const {
        if constexpr (has_associated_immediate_executor<std::decay_t<Handler>>) {
            auto immediate = get_associated_immediate_executor(handler, executor);
            auto allocator = get_associated_allocator(handler);
            execute_with(immediate, std::forward<Handler>(handler), allocator);
        } else {
            submit_to_executor<post_manner, Executor>{executor}(std::forward<Handler>(handler));
        }
    }
};

}  // namespace rill::engine

namespace rill {

/// Completes at once, as an operation on @p ex does that needs no waiting: through the handler's associated immediate
/// executor, or else as if by post(). Operations of one's own end with it when they have nothing to wait for:
/// `async_immediate(ex, append(std::move(handler), error_code(), n))`.
///
/// Result    void()
/// Threads   any
/// Throws    std::bad_alloc; what moving the handler throws
template <execution::executor Executor, class Token = default_completion_token_t<Executor>>
auto async_immediate(const Executor& ex, Token&& token = default_completion_token_t<Executor>()) {
    return async_initiate<Token, void()>(engine::initiate_immediate<Executor>{ex}, token);
}

}  // namespace rill
