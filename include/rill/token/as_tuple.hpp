// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/as_default_on.hpp>
#include <rill/token/partial_token.hpp>
#include <rill/token/token_adapter.hpp>

#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

template <class Handler>
class as_tuple_handler : public adapter<Handler> {
public:
    template <class H>
    explicit as_tuple_handler(std::in_place_t tag, H&& handler) : adapter<Handler>(tag, std::forward<H>(handler)) {}

    template <class... Args>
    void operator()(Args&&... args) {
        std::move(*this).get()(std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...));
    }
};

struct make_as_tuple_handler {
    template <class Handler>
    auto operator()(Handler&& handler) const {
        return as_tuple_handler<std::decay_t<Handler>>(std::in_place, std::forward<Handler>(handler));
    }
};

template <class Signature>
struct tuple_signature;
template <class... Args, bool Noexcept>
struct tuple_signature<void(Args...) noexcept(Noexcept)> {
    using type = void(std::tuple<std::decay_t<Args>...>) noexcept(Noexcept);
};

}  // namespace rill::engine

namespace rill {

/// A token whose handler is given all results as one std::tuple. See as_tuple.
template <class CompletionToken>
class as_tuple_t : public engine::adapter<CompletionToken>, public engine::default_token<as_tuple_t<CompletionToken>> {
public:
    constexpr as_tuple_t() requires std::default_initializable<CompletionToken>
        : engine::adapter<CompletionToken>(std::in_place, CompletionToken()) {}
    template <class T>
        requires std::constructible_from<CompletionToken, T>
    constexpr explicit as_tuple_t(T&& token)
        : engine::adapter<CompletionToken>(std::in_place, std::forward<T>(token)) {}

    template <class Signature>
    using adapted_signature = typename engine::tuple_signature<Signature>::type;
    constexpr engine::make_as_tuple_handler handler_adapter() const noexcept { return {}; }
};

struct partial_as_tuple : engine::partial_token {
    template <class CompletionToken>
    [[nodiscard]] constexpr as_tuple_t<std::decay_t<CompletionToken>> operator()(CompletionToken&& token) const {
        return as_tuple_t<std::decay_t<CompletionToken>>(std::forward<CompletionToken>(token));
    }
};

/// `as_tuple(token)`: the results come as one std::tuple, so that an error is not thrown but looked at:
/// `auto [ec, n] = co_await socket.async_read_some(b, as_tuple(use_awaitable))`. `as_tuple` alone adapts the default
/// token.
inline constexpr partial_as_tuple as_tuple{};

}  // namespace rill
