// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/partial_token.hpp>
#include <rill/token/token_adapter.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill::engine {

template <template <class, class> class Binder, class Value>
struct bind_handler {
    RILL_NO_UNIQUE_ADDRESS Value value;

    template <class Handler>
    Binder<std::decay_t<Handler>, Value> operator()(Handler&& handler) const {
        return Binder<std::decay_t<Handler>, Value>(value, std::forward<Handler>(handler));
    }
};

/// What Binder<T, Value>, derived from this, shares with the other binders: a handler or a token of type T, and the
/// value of an associated characteristic that it is to have. Only the name of the characteristic is the binder's own.
template <template <class, class> class Binder, class T, class Value>
class bound : public adapter<T> {
public:
    template <class U>
        requires(std::constructible_from<T, U>)
    bound(const Value& value, U&& target) : adapter<T>(std::in_place, std::forward<U>(target)), value_(value) {}

    /// A target that @p make makes.
    template <class Make>
        requires(std::same_as<std::invoke_result_t<Make>, T>)
    bound(std::in_place_t tag, const Value& value, Make&& make)
        : adapter<T>(tag, std::forward<Make>(make)()), value_(value) {}

    /// Another binder's target, with another value.
    template <class U, class V>
        requires(std::constructible_from<T, const U&>)
    bound(const Value& value, const bound<Binder, U, V>& other) : bound(value, other.get()) {}
    template <class U, class V>
        requires(std::constructible_from<T, U>)
    bound(const Value& value, bound<Binder, U, V>&& other) : bound(value, std::move(other).get()) {}

    /// Converted from another binder.
    template <class U, class V>
        requires(std::constructible_from<T, const U&>&& std::constructible_from<Value, const V&>)
    bound(const bound<Binder, U, V>& other) : bound(Value(other.value()), other.get()) {}
    template <class U, class V>
        requires(std::constructible_from<T, U>&& std::constructible_from<Value, const V&>)
    bound(bound<Binder, U, V>&& other) : bound(Value(other.value()), std::move(other).get()) {}

    template <class... Args>
        requires(std::invocable<T&, Args...>)
    decltype(auto) operator()(Args&&... args) & { return this->get()(std::forward<Args>(args)...); }
    template <class... Args>
        requires(std::invocable<const T&, Args...>)
    decltype(auto) operator()(Args&&... args) const& { return this->get()(std::forward<Args>(args)...); }
    template <class... Args>
        requires(std::invocable<T, Args...>)
    decltype(auto) operator()(Args&&... args) && { return std::move(*this).get()(std::forward<Args>(args)...); }

    template <class Signature>
    using adapted_signature = Signature;
    bind_handler<Binder, Value> handler_adapter() const noexcept { return {value_}; }

    const Value& value() const noexcept { return value_; }

private:
    RILL_NO_UNIQUE_ADDRESS Value value_;
};

/// A binder's value that waits for its token.
template <template <class, class> class Binder, class Value>
class partial_binder : public partial_token {
public:
    explicit partial_binder(const Value& value) noexcept : bind_{value} {}

    template <class CompletionToken>
    [[nodiscard]] Binder<std::decay_t<CompletionToken>, Value> operator()(CompletionToken&& token) const {
        return bind_(std::forward<CompletionToken>(token));
    }

private:
    RILL_NO_UNIQUE_ADDRESS bind_handler<Binder, Value> bind_;
};

}  // namespace rill::engine
