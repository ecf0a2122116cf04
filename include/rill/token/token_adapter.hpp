// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/adapter.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/async_result.hpp>

#include <type_traits>
#include <utility>

namespace rill::engine {

/// A token that adapts the handler of another one. It is derived from adapter<the other token>, and has
///
///   template <class Signature> using adapted_signature   what the other token's handler is called with
///   handler_adapter()                                    a function object: that handler -> the operation's; const&
///                                                        too, if what it takes along can be copied
template <class T>
concept token_adapter = derived_from_adapter<T> && requires(T&& t) {
    std::move(t).handler_adapter();
    typename T::template adapted_signature<void()>;
};

/// An initiation that puts each handler into an adapter. It runs where the one inside runs.
template <class Initiation, class Adapt>
struct adapted_initiation_state {
    Initiation initiation;
    RILL_NO_UNIQUE_ADDRESS Adapt adapt;
};
template <class Initiation, class Adapt>
    requires has_associated_executor<Initiation>
struct adapted_initiation_state<Initiation, Adapt> {
    using executor_type = associated_executor_t<Initiation, no_candidate>;
    executor_type get_executor() const noexcept {
        return associated_executor<Initiation, no_candidate>::get(initiation);
    }

    Initiation initiation;
    RILL_NO_UNIQUE_ADDRESS Adapt adapt;
};

template <class Initiation, class Adapt>
struct adapted_initiation : adapted_initiation_state<Initiation, Adapt> {
    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) && {
        std::move(this->initiation)(std::move(this->adapt)(std::forward<Handler>(handler)),
                                    std::forward<Args>(args)...);
    }
    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) const& {
        this->initiation(this->adapt(std::forward<Handler>(handler)), std::forward<Args>(args)...);
    }
};

template <class... Signatures, class Initiation, class Adapt, class Token, class... Args>
decltype(auto) initiate_adapted(Initiation&& initiation, Adapt adapt, Token&& token, Args&&... args) {
    using adapted = adapted_initiation<std::decay_t<Initiation>, Adapt>;
    return async_initiate<Token, Signatures...>(adapted{{std::forward<Initiation>(initiation), std::move(adapt)}},
                                                token, std::forward<Args>(args)...);
}

/// The token inside of a token adapter, with the adapter's value category.
template <class T>
using target_token = decltype(std::declval<T>().get());

/// A token adapter, as a value or a reference, that can give away or copy what it takes along.
template <class T>
concept usable_adapter = requires(T&& t) {
    std::forward<T>(t).handler_adapter();
};

template <class Adapter, class Signature>
using adapted_signature = typename Adapter::template adapted_signature<Signature>;

}  // namespace rill::engine

namespace rill {

template <engine::token_adapter Adapter, class... Signatures>
class async_result<Adapter, Signatures...> {
public:
    template <class Initiation, class T, class... Args>
        requires(engine::usable_adapter<T>&&
                     completion_token_for<engine::target_token<T>, engine::adapted_signature<Adapter, Signatures>...>)
    static decltype(auto) initiate(Initiation&& initiation, T&& token, Args&&... args) {
        return engine::initiate_adapted<engine::adapted_signature<Adapter, Signatures>...>(
            std::forward<Initiation>(initiation), std::forward<T>(token).handler_adapter(),
            std::forward<T>(token).get(), std::forward<Args>(args)...);
    }
};

}  // namespace rill
