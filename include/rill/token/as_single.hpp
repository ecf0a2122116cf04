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
class as_single_handler : public adapter<Handler> {
public:
    template <class H>
    explicit as_single_handler(std::in_place_t tag, H&& handler) : adapter<Handler>(tag, std::forward<H>(handler)) {}

    template <class... Args>
    void operator()(Args&&... args) {
        if constexpr (sizeof...(Args) < 2)
            std::move(*this).get()(std::forward<Args>(args)...);
        else
            std::move(*this).get()(std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...));
    }
};

struct make_as_single_handler {
    template <class Handler>
    auto operator()(Handler&& handler) const {
        return as_single_handler<std::decay_t<Handler>>(std::in_place, std::forward<Handler>(handler));
    }
};

template <class Signature>
struct single_signature {
    using type = Signature;
};
template <class First, class Second, class... Args, bool Noexcept>
struct single_signature<void(First, Second, Args...) noexcept(Noexcept)> {
    using type = void(std::tuple<std::decay_t<First>, std::decay_t<Second>, std::decay_t<Args>...>) noexcept(Noexcept);
};

}  // namespace rill::engine

namespace rill {

/// A token whose handler is given at most one argument. See as_single.
template <class CompletionToken>
class as_single_t : public engine::adapter<CompletionToken>,
                    public engine::default_token<as_single_t<CompletionToken>> {
public:
    constexpr as_single_t() requires std::default_initializable<CompletionToken>
        : engine::adapter<CompletionToken>(std::in_place, CompletionToken()) {}
    template <class T>
        requires std::constructible_from<CompletionToken, T>
    constexpr explicit as_single_t(T&& token)
        : engine::adapter<CompletionToken>(std::in_place, std::forward<T>(token)) {}

    template <class Signature>
    using adapted_signature = typename engine::single_signature<Signature>::type;
    constexpr engine::make_as_single_handler handler_adapter() const noexcept { return {}; }
};

struct partial_as_single : engine::partial_token {
    template <class CompletionToken>
    [[nodiscard]] constexpr as_single_t<std::decay_t<CompletionToken>> operator()(CompletionToken&& token) const {
        return as_single_t<std::decay_t<CompletionToken>>(std::forward<CompletionToken>(token));
    }
};

/// `as_single(token)`: one result, or none, comes as it is, more come as one std::tuple. So an error_code that comes
/// alone is thrown by `co_await`, and one that comes with other results is in the tuple. `as_single` alone adapts the
/// default token.
inline constexpr partial_as_single as_single{};

}  // namespace rill
