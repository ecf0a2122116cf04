// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/as_default_on.hpp>
#include <rill/token/associated_allocator.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/async_result.hpp>

#include <tuple>
#include <type_traits>
#include <utility>

namespace rill {

/// The token of an operation that starts later: the initiating function packs the arguments up and returns them as a
/// deferred_async_operation. Awaiting that in a coroutine starts it; so does calling it with another token.
struct deferred_t : engine::default_token<deferred_t> {
    constexpr deferred_t() noexcept = default;
};
inline constexpr deferred_t deferred{};

/// An operation that has not been started. It holds copies of the arguments: what they point to must live until the
/// operation completes.
template <class Signature, class Initiation, class... Args>
class [[nodiscard(
    "co_await it, or call it with a token: a deferred operation has not started")]] deferred_async_operation {
public:
    using executor_type = associated_executor_t<Initiation>;

    template <class I, class... A>
    constexpr explicit deferred_async_operation(deferred_t, I && initiation, A && ... args)
        : initiation_(std::forward<I>(initiation)), args_(std::forward<A>(args)...) {}

    executor_type get_executor() const noexcept { return get_associated_executor(initiation_); }

    /// Starts it: once, for an operation whose arguments can only be moved.
    template <class Token>
    auto operator()(Token&& token)&& {
        return std::apply(
            [&](Args&&... args) {
                return async_initiate<Token, Signature>(std::move(initiation_), token, std::move(args)...);
            },
            std::move(args_));
    }
    template <class Token>
    auto operator()(Token&& token) const& {
        return std::apply(
            [&](const Args&... args) {
                return async_initiate<Token, Signature>(Initiation(initiation_), token, Args(args)...);
            },
            args_);
    }

private:
    RILL_NO_UNIQUE_ADDRESS Initiation initiation_;
    std::tuple<Args...> args_;
};

template <completion_signature Signature>
class async_result<deferred_t, Signature> {
public:
    template <class Initiation, class... Args>
    static auto initiate(Initiation&& initiation, deferred_t token, Args&&... args) {
        return deferred_async_operation<Signature, std::decay_t<Initiation>, std::decay_t<Args>...>(
            token, std::forward<Initiation>(initiation), std::forward<Args>(args)...);
    }
};

}  // namespace rill
