// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/associated_executor.hpp>
#include <rill/token/async_result.hpp>
#include <rill/token/deferred.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// The base of an adapter that has no token yet. Called with one it returns the whole; used as a token itself it takes
/// the default one of the executor on which the operation is started.
struct partial_token {};

template <class Initiation>
using default_token_of = default_completion_token_t<associated_executor_t<std::decay_t<Initiation>, no_candidate>>;

template <class Partial, class Initiation>
using completed_token = std::invoke_result_t<const Partial&, default_token_of<Initiation>>;

}  // namespace rill::engine

namespace rill {

template <std::derived_from<engine::partial_token> Partial, class... Signatures>
class async_result<Partial, Signatures...> {
public:
    template <class Initiation, class... Args>
        requires(completion_token_for<engine::completed_token<Partial, Initiation>, Signatures...>)
    static decltype(auto) initiate(Initiation&& initiation, const Partial& partial, Args&&... args) {
        return async_initiate<engine::completed_token<Partial, Initiation>, Signatures...>(
            std::forward<Initiation>(initiation), partial(engine::default_token_of<Initiation>()),
            std::forward<Args>(args)...);
    }
};

}  // namespace rill
