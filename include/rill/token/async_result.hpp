// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill::engine {

template <class Signature>
struct signature_traits {
    static constexpr bool valid = false;
};
template <class... Args>
struct signature_traits<void(Args...)> {
    static constexpr bool valid = true;
    template <class Handler>
    static constexpr bool accepted_by = std::invocable<Handler, Args...>;
};
template <class... Args>
struct signature_traits<void(Args...) noexcept> : signature_traits<void(Args...)> {};

template <class Handler, class... Signatures>
inline constexpr bool accepts_signatures = (signature_traits<Signatures>::template accepted_by<Handler> && ...);

}  // namespace rill::engine

namespace rill {

/// The signature of a completion handler: a function type that returns void.
template <class T>
concept completion_signature = engine::signature_traits<T>::valid;

/// A function object to be called once with the arguments of each signature. Movable is enough.
template <class T, class... Signatures>
concept completion_handler_for = (completion_signature<Signatures> && ...) &&
                                 std::move_constructible<std::decay_t<T>>&& std::constructible_from<
                                     std::decay_t<T>, T>&& engine::accepts_signatures<std::decay_t<T>, Signatures...>;

/// How an operation with these signatures is started for a token, and what its initiating function returns. Specialised
/// for each kind of token, by the library and by its users, with
///
///   template <class Initiation, class... Args>
///   static auto initiate(Initiation&& initiation, Token token, Args&&... args);
///
/// which calls, now or later, initiation(handler, args...). This one is for tokens that are the handler.
template <class Token, class... Signatures>
class async_result {
public:
    using completion_handler_type = Token;
    using return_type = void;

    template <class Initiation, class T, class... Args>
        requires completion_handler_for<T, Signatures...>
    static void initiate(Initiation&& initiation, T&& token, Args&&... args) {
        std::forward<Initiation>(initiation)(std::forward<T>(token), std::forward<Args>(args)...);
    }
};

}  // namespace rill

namespace rill::engine {

struct initiation_archetype {
    template <class Handler, class... Args>
    void operator()(Handler&&, Args&&...) const {}
};

}  // namespace rill::engine

namespace rill {

/// Something that says how the completion of an operation with these signatures is delivered.
template <class T, class... Signatures>
concept completion_token_for = (completion_signature<Signatures> && ...) &&
                               requires(engine::initiation_archetype initiation, T&& token) {
    async_result<std::decay_t<T>, Signatures...>::initiate(initiation, std::forward<T>(token));
};

}  // namespace rill

namespace rill::engine {

/// The token that lies inside of adapters, with the value category of the whole.
template <class Token>
struct innermost_token {
    using type = Token;
};
template <class Token>
    requires requires { typename std::remove_cvref_t<Token>::target_type; }
struct innermost_token<Token> : innermost_token<decltype(std::declval<Token>().get())> {};

/// Says which part of completion_token_for is not satisfied. Not by the concept itself: the compiler would go on to
/// explain each of its parts.
template <class Token, class... Signatures>
constexpr void explain_token() {
    using inner = typename innermost_token<Token>::type;
    using handler = std::decay_t<inner>;
    constexpr bool movable = std::move_constructible<handler>;
    constexpr bool constructible =
        std::constructible_from<handler, inner> && std::constructible_from<std::decay_t<Token>, Token>;
    static_assert(movable,
                  "completion_token_for<Token, Signature> is not satisfied: the handler cannot be moved. Let it hold "
                  "what cannot be moved by a std::unique_ptr");
    static_assert(
        !movable || constructible,
        "completion_token_for<Token, Signature> is not satisfied: the handler is named, and cannot be copied. "
        "Give it away with std::move()");
    if constexpr (movable && constructible) {
        constexpr bool satisfied = completion_token_for<Token, Signatures...>;
        constexpr bool may_be_callable = std::is_class_v<handler> || std::is_pointer_v<handler>;
        static_assert(
            satisfied || may_be_callable,
            "completion_token_for<Token, Signature> is not satisfied: this is neither a function nor a token. "
            "Give the operation a function, use_awaitable, deferred, detached, use_future ...");
        static_assert(satisfied || !may_be_callable,
                      "completion_token_for<Token, Signature> is not satisfied: the handler cannot be called with the "
                      "arguments in the signature. Let it take them, in this order: void(error_code, ...)");
    }
}

}  // namespace rill::engine

namespace rill {

/// Starts an operation: calls @p initiation with a handler made from @p token, and @p args. Returns what the token
/// wants.
///
/// Data  @p token is moved from unless Token is a reference, as it is for an lvalue in a function with the parameter
///       `Token&& token`
template <class Token, completion_signature... Signatures, class Initiation, class T, class... Args>
    requires(std::same_as<std::remove_cvref_t<T>, std::remove_cvref_t<Token>>)
inline decltype(auto) async_initiate(Initiation&& initiation, T&& token, Args&&... args) {
    if constexpr (completion_token_for<Token, Signatures...>)
        return async_result<std::decay_t<Token>, Signatures...>::initiate(
            std::forward<Initiation>(initiation), static_cast<Token&&>(token), std::forward<Args>(args)...);
    else
        engine::explain_token<Token, Signatures...>();
}

/// What async_initiate() returns.
template <class Token, completion_signature Signature, class Initiation, class... Args>
using async_result_t = decltype(async_result<std::decay_t<Token>, Signature>::initiate(
    std::declval<Initiation>(), std::declval<Token>(), std::declval<Args>()...));

}  // namespace rill

namespace rill::engine {

/// A token that finds out a signature.
struct signature_probe {};
template <class... Signatures>
struct probed_signatures {};
template <class Signature>
struct probed_signatures<Signature> {
    using type = Signature;
};

}  // namespace rill::engine

namespace rill {

template <completion_signature... Signatures>
class async_result<engine::signature_probe, Signatures...> {
public:
    template <class Initiation, class... Args>
    static engine::probed_signatures<Signatures...> initiate(Initiation&&, engine::signature_probe, Args&&...) {
        return {};
    }
};

/// The signature of an operation that is launched by calling it with a token, and @p Args behind that.
template <class Operation, class... Args>
using completion_signature_of_t = typename decltype(std::declval<Operation>()(std::declval<engine::signature_probe>(),
                                                                              std::declval<Args>()...))::type;
template <class Operation, class... Args>
struct completion_signature_of {
    using type = completion_signature_of_t<Operation, Args...>;
};

/// Something that launches an operation when it is called with a token, and @p Args behind that.
template <class T, class... Args>
concept async_operation = requires {
    typename completion_signature_of_t<T, Args...>;
};

template <class T, class... Args>
struct is_async_operation : std::bool_constant<async_operation<T, Args...>> {};

struct deferred_t;

/// The token of an operation that is given none: that of the I/O object's executor, deferred by default.
template <class T>
struct default_completion_token {
    using type = deferred_t;
};
template <class T>
    requires requires { typename T::default_completion_token_type; }
struct default_completion_token<T> {
    using type = typename T::default_completion_token_type;
};
template <class T>
using default_completion_token_t = typename default_completion_token<T>::type;

}  // namespace rill
