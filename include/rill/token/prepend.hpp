// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/added_values.hpp>

#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

template <class Signature, class... Values>
struct signature_with_values_in_front;
template <class... Args, bool Noexcept, class... Values>
struct signature_with_values_in_front<void(Args...) noexcept(Noexcept), Values...> {
    using type = void(Values..., Args...) noexcept(Noexcept);
};

struct prepend_manner {
    template <class Signature, class... Values>
    using signature = typename signature_with_values_in_front<Signature, Values...>::type;

    template <class Handler, class... Values, class... Args>
    static void call(Handler&& handler, std::tuple<Values...>& values, Args&&... args) {
        std::apply([&](Values&... v) { std::forward<Handler>(handler)(std::move(v)..., std::forward<Args>(args)...); },
                   values);
    }
};

}  // namespace rill::engine

namespace rill {

/// A token whose handler is given values in front of the operation's results. See prepend().
template <class CompletionToken, class... Values>
class prepend_t : public engine::token_with_values<engine::prepend_manner, CompletionToken, Values...> {
public:
    using engine::token_with_values<engine::prepend_manner, CompletionToken, Values...>::token_with_values;
};

/// Gives @p token the @p values, and behind them the operation's results. An error_code is then no longer the first
/// result: tokens do not throw it.
template <class CompletionToken, class... Values>
[[nodiscard]] constexpr prepend_t<std::decay_t<CompletionToken>, std::decay_t<Values>...>
prepend(CompletionToken&& token, Values&&... values) {
    return prepend_t<std::decay_t<CompletionToken>, std::decay_t<Values>...>(std::forward<CompletionToken>(token),
                                                                             std::forward<Values>(values)...);
}

}  // namespace rill
