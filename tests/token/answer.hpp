// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/io_context.hpp>
#include <rill/context/system_executor.hpp>
#include <rill/core/error.hpp>
#include <rill/token/associated_allocator.hpp>
#include <rill/token/associated_cancellation_slot.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/associated_immediate_executor.hpp>
#include <rill/token/async_result.hpp>
#include <rill/token/deferred.hpp>

#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace token_test {

/// Runs what it is given on an io_context, and is known by a number.
struct numbered_executor {
    rill::io_context* context = nullptr;
    int number = 0;

    template <class Function>
    void execute(Function&& f) const {
        context->get_executor().execute(std::forward<Function>(f));
    }
    rill::io_context& query(rill::execution::context_t) const noexcept { return *context; }
    friend bool operator==(const numbered_executor&, const numbered_executor&) noexcept = default;
};

template <class T>
struct numbered_allocator {
    using value_type = T;

    int number = 0;
    std::size_t* allocations = nullptr;

    numbered_allocator() = default;
    explicit numbered_allocator(int n, std::size_t* count = nullptr) noexcept : number(n), allocations(count) {}
    template <class U>
    numbered_allocator(const numbered_allocator<U>& other) noexcept
        : number(other.number), allocations(other.allocations) {}

    T* allocate(std::size_t n) {
        if (allocations)
            ++*allocations;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) noexcept { std::allocator<T>().deallocate(p, n); }

    template <class U>
    friend bool operator==(const numbered_allocator& a, const numbered_allocator<U>& b) noexcept {
        return a.number == b.number;
    }
};

/// What an operation finds associated with its handler; 0 and false for what the handler does not have.
struct characteristics {
    int executor = 0;
    int allocator = 0;
    int immediate_executor = 0;
    bool has_slot = false;
    rill::cancellation_slot slot;

    friend bool operator==(const characteristics&, const characteristics&) noexcept = default;
};

template <class T>
int number_of(const T& t) {
    if constexpr (requires { t.number; })
        return t.number;
    else
        return -1;
}

template <class Handler>
characteristics characteristics_of(const Handler& handler) {
    characteristics found;
    if constexpr (rill::engine::has_associated_executor<Handler>)
        found.executor = number_of(rill::get_associated_executor(handler));
    if constexpr (!std::is_same_v<rill::associated_allocator_t<Handler>, std::allocator<void>>)
        found.allocator = number_of(rill::get_associated_allocator(handler));
    if constexpr (rill::engine::has_associated_immediate_executor<Handler>)
        found.immediate_executor = number_of(rill::get_associated_immediate_executor(handler, numbered_executor{}));
    found.has_slot = rill::engine::has_associated_cancellation_slot<Handler>;
    found.slot = rill::get_associated_cancellation_slot(handler);
    return found;
}

/// An operation that ends as it is told to, on the executor of its handler.
struct initiate_answer {
    using executor_type = rill::io_context::executor_type;

    rill::io_context* context;
    characteristics* found = nullptr;

    executor_type get_executor() const noexcept { return context->get_executor(); }

    template <class Handler, class... Results>
    void operator()(Handler&& initial, Results&&... results) const {
        std::decay_t<Handler> handler(std::forward<Handler>(initial));
        if (found)
            *found = characteristics_of(handler);
        auto ex = rill::get_associated_executor(handler, get_executor());
        ex.execute([h = std::move(handler), r = std::tuple<std::decay_t<Results>...>(std::forward<Results>(
                                                results)...)]() mutable { std::apply(std::move(h), std::move(r)); });
    }
};

template <class... Results, class Token>
auto async_answer_as(initiate_answer initiation, Token&& token, Results... results) {
    return rill::async_initiate<Token, void(Results...)>(initiation, token, std::move(results)...);
}

/// The answer of most operations: an error_code and a number of bytes.
template <class Token = rill::deferred_t>
auto async_answer(initiate_answer initiation, rill::error_code ec, std::size_t n, Token&& token = Token()) {
    return async_answer_as<rill::error_code, std::size_t>(initiation, std::forward<Token>(token), ec, n);
}

/// An operation that is never answered: its handler is destroyed at once.
template <class... Results, class Token>
auto async_forget(Token&& token) {
    return rill::async_initiate<Token, void(Results...)>([](auto handler) { (void)handler; }, token);
}

}  // namespace token_test
