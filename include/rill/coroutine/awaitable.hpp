// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/coroutine/coroutine_thread.hpp>
#include <rill/coroutine/operation_awaiter.hpp>
#include <rill/coroutine/this_coro.hpp>
#include <rill/execution/any_io_executor.hpp>

#include <concepts>
#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

namespace rill {

/// A coroutine that starts when it is awaited, by another awaitable or through co_spawn(), and yields a T.
///
/// Inside it one may await: an awaitable of the same Executor; any operation, given as a deferred or use_awaitable one,
/// whose error is thrown as system_error; and what is in this_coro.
template <class T, class Executor = any_io_executor>
class awaitable;

}  // namespace rill

namespace rill::engine {

template <class T>
inline constexpr bool is_awaitable = false;
template <class T, class Executor>
inline constexpr bool is_awaitable<awaitable<T, Executor>> = true;

struct awaitable_needed__only_a_coroutine_that_returns_an_awaitable_can_await_this {};

/// The result of an awaitable, in its frame.
template <class T>
class awaitable_result {
public:
    template <class U>
        requires std::constructible_from<T, U>
    void return_value(U&& value) { value_.emplace(std::forward<U>(value)); }
    T take() { return std::move(*value_); }

private:
    std::optional<T> value_;
};

template <class T>
class awaitable_result<T&> {
public:
    void return_value(T& value) noexcept { value_ = &value; }
    T& take() const noexcept { return *value_; }

private:
    T* value_ = nullptr;
};

template <>
class awaitable_result<void> {
public:
    void return_void() const noexcept {}
    void take() const noexcept {}
};

/// Ends a frame: proceed() resumes its caller.
struct final_awaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> h) const noexcept {
        h.promise().thread->return_to_caller();
    }
    void await_resume() const noexcept {}
};

/// What is known at once.
template <class T>
struct ready_awaiter {
    T value;
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    T await_resume() { return std::move(value); }
};

/// What coroutines may await of an awaitable on Executor, whatever its result.
template <class Executor>
class awaitable_promise : public awaitable_frame {
    using thread_type = coroutine_thread_on<Executor>;

public:
    std::suspend_always initial_suspend() const noexcept { return {}; }
    final_awaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { error = std::current_exception(); }

    template <class T>
    auto await_transform(awaitable<T, Executor> callee) const {
        check_cancellation();
        return callee.await_by(*thread);
    }

    template <class Operation>
        requires async_operation<std::decay_t<Operation>>
    auto await_transform(Operation&& operation) const {
        check_cancellation();
        return operation_awaiter<thread_type, std::decay_t<Operation>>(
            own_thread(), std::decay_t<Operation>(std::forward<Operation>(operation)));
    }

    template <class T>
    auto await_transform(T&&) const {
        constexpr bool of_another_executor = is_awaitable<std::decay_t<T>>;
        static_assert(
            !of_another_executor,
            "co_await: this awaitable<T, Executor> has another Executor than the coroutine's own awaitable. Let "
            "both have the same, or co_await co_spawn(executor, it, use_awaitable)");
        static_assert(of_another_executor,
                      "co_await: neither an awaitable, nor an async_operation, nor of this_coro. Give the operation "
                      "use_awaitable, deferred, or no token");
        return std::suspend_never();
    }

    auto await_transform(this_coro::executor_t) const { return ready_awaiter<Executor>{own_thread().executor()}; }
    auto await_transform(this_coro::cancellation_state_t) const {
        return ready_awaiter<cancellation_state>{thread->cancellation()};
    }
    template <class... Filters>
    auto await_transform(this_coro::reset_cancellation_state_t<Filters...> reset) const {
        std::apply([&](Filters&... filters) { thread->reset_cancellation(std::move(filters)...); }, reset.filters);
        return std::suspend_never();
    }
    auto await_transform(this_coro::get_throw_if_cancelled_t) const {
        return ready_awaiter<bool>{thread->throws_if_cancelled()};
    }
    auto await_transform(this_coro::set_throw_if_cancelled_t set) const {
        thread->throws_if_cancelled(set.value);
        return std::suspend_never();
    }

private:
    thread_type& own_thread() const noexcept { return *static_cast<thread_type*>(thread); }

    void check_cancellation() const {
        if (thread->must_throw()) [[unlikely]]
            throw_error(error::operation_aborted, "co_await");
    }
};

}  // namespace rill::engine

namespace rill {

template <class T, class Executor>
class [[nodiscard("co_await it, or give it to co_spawn: an awaitable that is not awaited never runs")]] awaitable {
public:
    using value_type = T;
    using executor_type = Executor;

    class promise_type : public engine::awaitable_promise<Executor>, public engine::awaitable_result<T> {
    public:
        promise_type() noexcept { this->handle = std::coroutine_handle<promise_type>::from_promise(*this); }
        awaitable get_return_object() noexcept { return awaitable(*this); }

        /// What the coroutine returned, or threw.
        T result() {
            if (this->error) [[unlikely]]
                std::rethrow_exception(std::exchange(this->error, nullptr));
            return this->take();
        }
    };

    /// Empty: good for being assigned to.
    constexpr awaitable() noexcept = default;
    awaitable(awaitable && other) noexcept : promise_(std::exchange(other.promise_, nullptr)) {}
    awaitable& operator=(awaitable other) noexcept {
        std::swap(promise_, other.promise_);
        return *this;
    }
    /// A coroutine that has not been awaited never runs.
    ~awaitable() {
        if (promise_)
            promise_->handle.destroy();
    }

    bool valid() const noexcept { return promise_ != nullptr; }

    // Not in coroutines of other kinds, which look for this.
    template <class Mistake = engine::awaitable_needed__only_a_coroutine_that_returns_an_awaitable_can_await_this>
    void operator co_await() const = delete;

    /// The library's way in: gives the frame away.
    promise_type* release() noexcept { return std::exchange(promise_, nullptr); }

    /// The library's way in: what a frame of @p thread awaits.
    auto await_by(engine::coroutine_thread & thread) noexcept {
        RILL_ASSERT(valid());
        return awaiter(thread, std::move(*this));
    }

private:
    class awaiter {
    public:
        awaiter(engine::coroutine_thread& thread, awaitable callee) noexcept
            : thread_(thread), callee_(std::move(callee)) {}

        bool await_ready() const noexcept { return false; }
        // From here on the frame belongs to the thread's stack, until it has come to its end.
        void await_suspend(std::coroutine_handle<>) noexcept {
            running_ = callee_.release();
            thread_.call(*running_);
        }
        T await_resume() { return awaitable(*running_).promise_->result(); }

    private:
        engine::coroutine_thread& thread_;
        awaitable callee_;
        promise_type* running_ = nullptr;
    };

    explicit awaitable(promise_type & promise) noexcept : promise_(&promise) {}

    promise_type* promise_ = nullptr;
};

}  // namespace rill
