// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/added_values.hpp>

#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

struct consign_manner {
    template <class Signature, class...>
    using signature = Signature;

    template <class Handler, class... Values, class... Args>
    static void call(Handler&& handler, std::tuple<Values...>&, Args&&... args) {
        std::forward<Handler>(handler)(std::forward<Args>(args)...);
    }
};

}  // namespace rill::engine

namespace rill {

/// A token whose handler keeps values alive. See consign().
template <class CompletionToken, class... Values>
class consign_t : public engine::token_with_values<engine::consign_manner, CompletionToken, Values...> {
public:
    using engine::token_with_values<engine::consign_manner, CompletionToken, Values...>::token_with_values;
};

/// Keeps @p values alive until the operation has completed: until the handler has been called, or destroyed.
template <class CompletionToken, class... Values>
[[nodiscard]] constexpr consign_t<std::decay_t<CompletionToken>, std::decay_t<Values>...>
consign(CompletionToken&& token, Values&&... values) {
    return consign_t<std::decay_t<CompletionToken>, std::decay_t<Values>...>(std::forward<CompletionToken>(token),
                                                                             std::forward<Values>(values)...);
}

}  // namespace rill
