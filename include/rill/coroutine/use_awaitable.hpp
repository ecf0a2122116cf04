// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/coroutine/awaitable.hpp>
#include <rill/token/as_default_on.hpp>
#include <rill/token/deferred.hpp>

#include <type_traits>
#include <utility>

namespace rill {

/// The token of operations that are awaited: they return something to co_await, which converts to an awaitable.
template <class Executor = any_io_executor>
struct use_awaitable_t : engine::default_token<use_awaitable_t<Executor>> {
    constexpr use_awaitable_t() noexcept = default;
};
inline constexpr use_awaitable_t<> use_awaitable{};

/// What an operation returns for use_awaitable. Awaited as it is, it needs no frame of its own; as an awaitable it has one.
template <class Executor, class Signature, class Initiation, class... Args>
class [[nodiscard("co_await it: an operation given use_awaitable starts when it is awaited")]] awaitable_operation
    : public deferred_async_operation<Signature, Initiation, Args...> {
    using base = deferred_async_operation<Signature, Initiation, Args...>;

public:
    using awaitable_type = awaitable<engine::awaited_result_t<Signature>, Executor>;

    using base::base;

    // Not in coroutines of other kinds, which look for this.
    template <class Mistake = engine::awaitable_needed__only_a_coroutine_that_returns_an_awaitable_can_await_this>
    void operator co_await() const = delete;

    operator awaitable_type()&& { return await(std::move(*this)); }

private:
    static awaitable_type await(base operation) { co_return co_await std::move(operation); }
};

template <class Executor, completion_signature Signature>
class async_result<use_awaitable_t<Executor>, Signature> {
public:
    template <class Initiation, class... Args>
    static auto initiate(Initiation&& initiation, use_awaitable_t<Executor>, Args&&... args) {
        return awaitable_operation<Executor, Signature, std::decay_t<Initiation>, std::decay_t<Args>...>(
            deferred, std::forward<Initiation>(initiation), std::forward<Args>(args)...);
    }
};

}  // namespace rill
