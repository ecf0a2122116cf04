// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/added_values.hpp>

#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

template <class Signature, class... Values>
struct signature_with_values_behind;
template <class... Args, bool Noexcept, class... Values>
struct signature_with_values_behind<void(Args...) noexcept(Noexcept), Values...> {
    using type = void(Args..., Values...) noexcept(Noexcept);
};

struct append_manner {
    template <class Signature, class... Values>
    using signature = typename signature_with_values_behind<Signature, Values...>::type;

    template <class Handler, class... Values, class... Args>
    static void call(Handler&& handler, std::tuple<Values...>& values, Args&&... args) {
        std::apply([&](Values&... v) { std::forward<Handler>(handler)(std::forward<Args>(args)..., std::move(v)...); },
                   values);
    }
};

}  // namespace rill::engine

namespace rill {

/// A token whose handler is given values behind the operation's results. See append().
template <class CompletionToken, class... Values>
class append_t : public engine::token_with_values<engine::append_manner, CompletionToken, Values...> {
public:
    using engine::token_with_values<engine::append_manner, CompletionToken, Values...>::token_with_values;
};

/// Gives @p token the operation's results, and @p values behind them.
template <class CompletionToken, class... Values>
[[nodiscard]] constexpr append_t<std::decay_t<CompletionToken>, std::decay_t<Values>...> append(CompletionToken&& token,
                                                                                                Values&&... values) {
    return append_t<std::decay_t<CompletionToken>, std::decay_t<Values>...>(std::forward<CompletionToken>(token),
                                                                            std::forward<Values>(values)...);
}

}  // namespace rill
