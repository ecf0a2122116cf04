// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/token_adapter.hpp>

#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>

// What append(), prepend() and consign() have in common: a handler that carries values. Their Manners differ:
//
//   template <class Signature, class... Values> using signature            what the handler inside is called with
//   static void call(handler, std::tuple<Values...>& values, args...)      calls it

namespace rill::engine {

template <class Manner, class Handler, class... Values>
class handler_with_values : public adapter<Handler> {
public:
    template <class H>
    handler_with_values(std::tuple<Values...>&& values, H&& handler)
        : adapter<Handler>(std::in_place, std::forward<H>(handler)), values_(std::move(values)) {}

    template <class... Args>
    void operator()(Args&&... args) {
        Manner::call(std::move(*this).get(), values_, std::forward<Args>(args)...);
    }

private:
    RILL_NO_UNIQUE_ADDRESS std::tuple<Values...> values_;
};

template <class Manner, class... Values>
struct add_values {
    RILL_NO_UNIQUE_ADDRESS std::tuple<Values...> values;

    template <class Handler>
    auto operator()(Handler&& handler) && {
        return handler_with_values<Manner, std::decay_t<Handler>, Values...>(std::move(values),
                                                                             std::forward<Handler>(handler));
    }
    template <class Handler>
    auto operator()(Handler&& handler) const& {
        return add_values(*this)(std::forward<Handler>(handler));
    }
};

/// A token whose handler is to carry values. It can be used as an lvalue, again and again, if they can be copied.
template <class Manner, class Token, class... Values>
class token_with_values : public adapter<Token> {
public:
    template <class T, class... V>
        requires(sizeof...(V) == sizeof...(Values) && std::constructible_from<Token, T>)
    constexpr explicit token_with_values(T&& token, V&&... values)
        : adapter<Token>(std::in_place, std::forward<T>(token)), values_(std::forward<V>(values)...) {}

    template <class Signature>
    using adapted_signature = typename Manner::template signature<Signature, Values...>;

    constexpr add_values<Manner, Values...> handler_adapter() && { return {std::move(values_)}; }
    constexpr add_values<Manner, Values...> handler_adapter() const& requires(std::copy_constructible<Values>&&...) {
        return {values_};
    }

private:
    RILL_NO_UNIQUE_ADDRESS std::tuple<Values...> values_;
};

}  // namespace rill::engine
