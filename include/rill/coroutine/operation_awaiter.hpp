// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>
#include <rill/coroutine/control_flow.hpp>
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

    static auto get(values&& v, [[maybe_unused]] const char* what = "co_await") {
        if constexpr (sizeof...(Args) == 0) {
            return;
        } else {
            using first = std::tuple_element_t<0, values>;
            if constexpr (std::same_as<first, error_code>) {
                throw_if(std::get<0>(v), what);
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

/// The handler of an operation that a Flow awaits: a control_flow with the members
///
///   executor(), operation_allocator(), and their types
///   proceed()   goes on, now that the operation is done
///   destroy()   the operation will never be done
///
/// It owns the flow: destroyed uncalled, it destroys that.
template <class Flow, class Values>
class awaiting_handler {
public:
    using executor_type = typename Flow::executor_type;
    using allocator_type = typename Flow::operation_allocator_type;
    using cancellation_slot_type = cancellation_slot;

    awaiting_handler(Flow& f, std::optional<Values>& v) noexcept : flow_(&f), values_(&v) {}
    awaiting_handler(awaiting_handler&& other) noexcept
        : flow_(std::exchange(other.flow_, nullptr)), values_(other.values_) {}
    awaiting_handler& operator=(awaiting_handler&&) = delete;
    ~awaiting_handler() {
        if (flow_ && !control_flow::initiation::note_abandonment(*flow_))
            flow_->destroy();
    }

    decltype(auto) get_executor() const noexcept { return flow_->executor(); }
    allocator_type get_allocator() const noexcept { return flow_->operation_allocator(); }
    cancellation_slot_type get_cancellation_slot() const noexcept { return flow_->operation_slot(); }

    template <class... Args>
    void operator()(Args&&... args) {
        values_->emplace(std::forward<Args>(args)...);
        Flow& f = *std::exchange(flow_, nullptr);
        if (!control_flow::initiation::note_completion(f))
            f.proceed();
    }

    /// The library's way in.
    const Flow& flow() const noexcept { return *flow_; }

private:
    Flow* flow_;
    std::optional<Values>* values_;  // in the awaiting frame
};

/// Awaits an operation: it is started here, and nothing of the frame is touched after that. If starting it throws, so
/// does co_await.
template <class Flow, class Operation>
class operation_awaiter {
    using result = awaited_result<completion_signature_of_t<Operation>>;
    using values = typename result::values;

public:
    operation_awaiter(Flow& f, Operation&& op) : flow_(f), operation_(std::move(op)) {}

    bool await_ready() const noexcept { return false; }

    bool await_suspend(std::coroutine_handle<>) {
        Flow& flow = flow_;
        control_flow::initiation here(flow);
        std::move(operation_)(awaiting_handler<Flow, values>(flow, values_));
        if (here.abandoned())
            flow.destroy();
        return !here.completed();  // done already: go on, without leaving the frame
    }

    auto await_resume() { return result::get(std::move(*values_)); }

private:
    Flow& flow_;
    Operation operation_;
    std::optional<values> values_;
};

}  // namespace rill::engine
