// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>
#include <rill/coroutine/coroutine_thread.hpp>
#include <rill/token/async_result.hpp>
#include <rill/token/disposition.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// What awaiting an operation yields: a disposition in front, such as an error_code, becomes an exception.
template <class Signature>
struct awaited_result;

template <class... Args>
struct awaited_result<void(Args...)> {
    using values = std::tuple<std::decay_t<Args>...>;

    static auto get(values&& v) {
        if constexpr (sizeof...(Args) == 0) {
            return;
        } else {
            using first = std::tuple_element_t<0, values>;
            if constexpr (std::same_as<first, error_code>) {
                throw_if(std::get<0>(v), "co_await");
                return rest<1>(std::move(v));
            } else if constexpr (disposition<first>) {
                if (std::get<0>(v) != no_error) [[unlikely]]
                    throw_exception(std::get<0>(v));
                return rest<1>(std::move(v));
            } else {
                return rest<0>(std::move(v));
            }
        }
    }

private:
    // Nothing, the one value, or a tuple of them.
    template <std::size_t Skipped>
    static auto rest(values&& v) {
        constexpr std::size_t n = sizeof...(Args) - Skipped;
        if constexpr (n == 0)
            return;
        else if constexpr (n == 1)
            return std::get<Skipped>(std::move(v));
        else
            return [&]<std::size_t... I>(std::index_sequence<I...>) {
                return std::tuple<std::tuple_element_t<Skipped + I, values>...>(std::get<Skipped + I>(std::move(v))...);
            }
        (std::make_index_sequence<n>());
    }
};
template <class... Args>
struct awaited_result<void(Args...) noexcept> : awaited_result<void(Args...)> {};

template <class Signature>
using awaited_result_t =
    decltype(awaited_result<Signature>::get(std::declval<typename awaited_result<Signature>::values>()));

/// The handler of an operation that a coroutine awaits. It owns the thread: destroyed uncalled, it destroys that.
template <class Executor, class Values>
class awaiting_handler {
public:
    using executor_type = Executor;
    using allocator_type = coroutine_allocator<void>;
    using cancellation_slot_type = cancellation_slot;

    awaiting_handler(coroutine_thread_on<Executor>& t, std::optional<Values>& v) noexcept : thread_(&t), values_(&v) {}
    awaiting_handler(awaiting_handler&& other) noexcept
        : thread_(std::exchange(other.thread_, nullptr)), values_(other.values_) {}
    awaiting_handler& operator=(awaiting_handler&&) = delete;
    ~awaiting_handler() {
        if (thread_)
            thread_->destroy();
    }

    const executor_type& get_executor() const noexcept { return thread_->executor(); }
    allocator_type get_allocator() const noexcept { return allocator_type(*thread_); }
    cancellation_slot_type get_cancellation_slot() const noexcept { return thread_->operation_slot(); }

    template <class... Args>
    void operator()(Args&&... args) {
        values_->emplace(std::forward<Args>(args)...);
        coroutine_thread& t = *std::exchange(thread_, nullptr);
        if (!coroutine_thread::initiation::note_completion(t))
            t.proceed();
    }

private:
    coroutine_thread_on<Executor>* thread_;
    std::optional<Values>* values_;  // in the awaiting frame
};

/// Awaits an operation: it is started here, and nothing of the frame is touched after that.
template <class Executor, class Operation>
class operation_awaiter {
    using result = awaited_result<completion_signature_of_t<Operation>>;
    using values = typename result::values;

public:
    operation_awaiter(coroutine_thread_on<Executor>& t, Operation&& op) : thread_(t), operation_(std::move(op)) {}

    bool await_ready() const noexcept { return false; }

    bool await_suspend(std::coroutine_handle<>) {
        coroutine_thread::initiation here(thread_);
        std::move(operation_)(awaiting_handler<Executor, values>(thread_, values_));
        return !here.completed();  // done already: go on, without leaving the frame
    }

    auto await_resume() { return result::get(std::move(*values_)); }

private:
    coroutine_thread_on<Executor>& thread_;
    Operation operation_;
    std::optional<values> values_;
};

}  // namespace rill::engine
