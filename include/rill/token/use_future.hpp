// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>
#include <rill/core/error.hpp>
#include <rill/token/async_result.hpp>

#include <concepts>
#include <exception>
#include <future>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

template <class Function, class Allocator>
struct packaged_future;

}  // namespace rill::engine

namespace rill {

/// The token of an operation whose results come through a std::future: see use_future.
template <class Allocator = std::allocator<void>>
class use_future_t {
public:
    using allocator_type = Allocator;

    constexpr use_future_t() = default;
    constexpr explicit use_future_t(const Allocator& a) noexcept : allocator_(a) {}

    /// The same token, with the future's shared state, and what the operation stores, from @p a.
    template <class OtherAllocator>
    constexpr use_future_t<OtherAllocator> rebind(const OtherAllocator& a) const noexcept {
        return use_future_t<OtherAllocator>(a);
    }
    template <class OtherAllocator>
    constexpr use_future_t<OtherAllocator> operator[](const OtherAllocator& a) const noexcept {
        return rebind(a);
    }

    constexpr allocator_type get_allocator() const noexcept { return allocator_; }

    /// A token for which the future's value is what @p f returns, called with all of the operation's results. What it
    /// throws is the future's exception.
    template <class Function>
    constexpr engine::packaged_future<std::decay_t<Function>, Allocator> operator()(Function&& f) const {
        return {std::forward<Function>(f), allocator_};
    }

private:
    RILL_NO_UNIQUE_ADDRESS Allocator allocator_;
};

/// The initiating function returns a std::future: void for no result, the one result, or a std::tuple of more. A
/// leading error_code, or std::exception_ptr, is not a result but what future.get() throws: a system_error, or the
/// exception. std::future_errc::broken_promise: the operation was destroyed without having completed.
///
/// Threads  the future becomes ready on the I/O object's executor; waiting for it on a thread that is to run that never
///          ends
inline constexpr use_future_t<> use_future{};

}  // namespace rill

// Implementation

namespace rill::engine {

/// A function that waits for an operation's results, and the allocator of the future that waits for the function's.
template <class Function, class Allocator>
struct packaged_future {
    Function function;
    RILL_NO_UNIQUE_ADDRESS Allocator allocator;
};

inline void throw_failure(const error_code& ec) {
    if (ec.failed())
        throw system_error(ec);
}
inline void throw_failure(const std::exception_ptr& e) {
    if (e)
        std::rethrow_exception(e);
}

/// The function of use_future itself.
struct make_future_value {
    template <class... Results>
    auto operator()(Results&&... results) const {
        return value(std::forward<Results>(results)...);
    }
    template <class Error, class... Results>
        requires(std::same_as<std::decay_t<Error>, error_code> || std::same_as<std::decay_t<Error>, std::exception_ptr>)
    auto operator()(Error&& error, Results&&... results) const {
        throw_failure(error);
        return value(std::forward<Results>(results)...);
    }

private:
    static void value() noexcept {}
    template <class Result>
    static std::decay_t<Result> value(Result&& result) {
        return std::forward<Result>(result);
    }
    template <class... Results>
    static std::tuple<std::decay_t<Results>...> value(Results&&... results) {
        return std::tuple<std::decay_t<Results>...>(std::forward<Results>(results)...);
    }
};

/// Keeps a promise with what a function makes of the results.
template <class Function, class Allocator, class... Args>
class promise_handler {
public:
    using allocator_type = Allocator;
    using result_type = std::invoke_result_t<Function, Args...>;

    explicit promise_handler(packaged_future<Function, Allocator>&& token)
        : function_(std::move(token.function)),
          promise_(std::allocator_arg, token.allocator),
          allocator_(token.allocator) {}

    allocator_type get_allocator() const noexcept { return allocator_; }
    std::future<result_type> get_future() { return promise_.get_future(); }

    void operator()(Args... args) {
        try {
            if constexpr (std::is_void_v<result_type>) {
                std::move(function_)(std::forward<Args>(args)...);
                promise_.set_value();
            } else {
                promise_.set_value(std::move(function_)(std::forward<Args>(args)...));
            }
        } catch (...) {
            promise_.set_exception(std::current_exception());
        }
    }

private:
    RILL_NO_UNIQUE_ADDRESS Function function_;
    std::promise<result_type> promise_;
    RILL_NO_UNIQUE_ADDRESS Allocator allocator_;
};

}  // namespace rill::engine

namespace rill {

template <class Function, class Allocator, class... Results, bool Noexcept>
class async_result<engine::packaged_future<Function, Allocator>, void(Results...) noexcept(Noexcept)> {
public:
    template <class Initiation, class... Args>
        requires(std::invocable<Function, Results...>)
    static auto initiate(Initiation&& initiation, engine::packaged_future<Function, Allocator> token, Args&&... args) {
        engine::promise_handler<Function, Allocator, Results...> handler(std::move(token));
        auto future = handler.get_future();
        std::forward<Initiation>(initiation)(std::move(handler), std::forward<Args>(args)...);
        return future;
    }
};

template <class Allocator, completion_signature Signature>
class async_result<use_future_t<Allocator>, Signature> {
public:
    template <class Initiation, class... Args>
    static auto initiate(Initiation&& initiation, const use_future_t<Allocator>& token, Args&&... args) {
        using packaged = engine::packaged_future<engine::make_future_value, Allocator>;
        return async_result<packaged, Signature>::initiate(
            std::forward<Initiation>(initiation), token(engine::make_future_value()), std::forward<Args>(args)...);
    }
};

}  // namespace rill
