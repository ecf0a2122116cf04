// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>
#include <rill/core/error.hpp>
#include <rill/engine/scheduler/operation_memory.hpp>
#include <rill/execution/properties.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/async_result.hpp>
#include <rill/token/disposition.hpp>
#include <rill/token/recycling_allocator.hpp>

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
/// leading disposition (an error_code, a std::exception_ptr, or a user's own, see disposition_traits) is not a result but
/// what future.get() throws: a system_error, the exception; so is what a step of the operation throws.
/// std::future_errc::broken_promise: the operation was destroyed without having completed.
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

/// The function of use_future itself.
struct make_future_value {
    template <class... Results>
    auto operator()(Results&&... results) const {
        return value(std::forward<Results>(results)...);
    }
    template <class Disposition, class... Results>
        requires disposition<std::decay_t<Disposition>>
    auto operator()(Disposition&& d, Results&&... results) const {
        throw_exception(d);
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

/// A promise in memory that the handler and its executors share.
template <class T>
class shared_promise {
public:
    template <class Allocator>
    explicit shared_promise(const Allocator& a) : promise_(make(a)) {}

    std::promise<T>& operator*() const noexcept { return *promise_; }

    /// Unless the promise has been kept or broken before.
    void fail(std::exception_ptr e) const noexcept {
        try {
            promise_->set_exception(std::move(e));
        } catch (const std::future_error&) {
        }
    }

    friend bool operator==(const shared_promise&, const shared_promise&) noexcept = default;

private:
    template <class Allocator>
    static std::shared_ptr<std::promise<T>> make(const Allocator& a) {
        if constexpr (is_default_allocator<Allocator>)
            return std::allocate_shared<std::promise<T>>(recycling_allocator<std::promise<T>>(), std::allocator_arg, a);
        else
            return std::allocate_shared<std::promise<T>>(a, std::allocator_arg, a);
    }

    std::shared_ptr<std::promise<T>> promise_;
};

/// Runs functions where another executor does, and gives what they throw to a future.
template <class T, class Executor>
class promise_executor {
public:
    promise_executor(const shared_promise<T>& p, const Executor& ex) noexcept : promise_(p), executor_(ex) {}

    template <class Function>
    void execute(Function&& f) const {
        executor_.execute(guarded<std::decay_t<Function>>{promise_, std::forward<Function>(f)});
    }

    template <class Property>
        requires queryable_for<Executor, Property>
    decltype(auto) query(const Property& p) const { return query_fn()(executor_, p); }

    template <class Property>
        requires requirable_for<Executor, Property>
    auto require(const Property& p) const {
        auto required = require_fn()(executor_, p);
        return promise_executor<T, decltype(required)>(promise_, required);
    }
    template <class Property>
        requires(preferable_for<Executor, Property> && !requirable_for<Executor, Property>)
    auto prefer(const Property& p) const {
        auto preferred = prefer_fn()(executor_, p);
        return promise_executor<T, decltype(preferred)>(promise_, preferred);
    }

    friend bool operator==(const promise_executor&, const promise_executor&) noexcept = default;

private:
    template <class Function>
    struct guarded {
        shared_promise<T> promise;
        Function function;

        void operator()() {
            try {
                std::move(function)();
            } catch (...) {
                promise.fail(std::current_exception());
            }
        }
    };

    shared_promise<T> promise_;
    RILL_NO_UNIQUE_ADDRESS Executor executor_;
};

/// Keeps a promise with what a function makes of the results.
template <class Function, class Allocator, class... Args>
class promise_handler {
public:
    using allocator_type = Allocator;
    using result_type = std::invoke_result_t<Function, Args...>;

    explicit promise_handler(packaged_future<Function, Allocator>&& token)
        : function_(std::move(token.function)), promise_(token.allocator), allocator_(token.allocator) {}

    allocator_type get_allocator() const noexcept { return allocator_; }
    std::future<result_type> get_future() const { return (*promise_).get_future(); }
    const shared_promise<result_type>& promise() const noexcept { return promise_; }

    void operator()(Args... args) {
        try {
            if constexpr (std::is_void_v<result_type>) {
                std::move(function_)(std::forward<Args>(args)...);
                (*promise_).set_value();
            } else {
                (*promise_).set_value(std::move(function_)(std::forward<Args>(args)...));
            }
        } catch (...) {
            promise_.fail(std::current_exception());
        }
    }

private:
    RILL_NO_UNIQUE_ADDRESS Function function_;
    shared_promise<result_type> promise_;
    RILL_NO_UNIQUE_ADDRESS Allocator allocator_;
};

}  // namespace rill::engine

namespace rill {

/// The steps of an operation run where they would without it; what they throw is the future's exception.
template <class Function, class Allocator, class... Args, class Candidate>
struct associated_executor<engine::promise_handler<Function, Allocator, Args...>, Candidate> {
private:
    using handler = engine::promise_handler<Function, Allocator, Args...>;

public:
    using type = engine::promise_executor<typename handler::result_type, Candidate>;
    static type get(const handler& h) noexcept { return type(h.promise(), Candidate()); }
    static type get(const handler& h, const Candidate& c) noexcept { return type(h.promise(), c); }
};

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
