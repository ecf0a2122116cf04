// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>
#include <rill/token/adapter.hpp>
#include <rill/token/as_default_on.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/async_result.hpp>

#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rill {

template <class... Values>
class deferred_values;
template <class OnTrue, class OnFalse>
class deferred_conditional;
class deferred_noop;
template <class Function>
class deferred_function;

/// Whether T is an operation that has not been started, or a token that makes one: what `|` chains.
template <class T>
inline constexpr bool is_deferred_v = false;
template <class T>
struct is_deferred : std::bool_constant<is_deferred_v<T>> {};

/// The token of an operation that starts later: the initiating function packs the arguments up and returns them as a
/// deferred_async_operation. Awaiting that in a coroutine starts it; so does calling it with another token.
struct deferred_t : engine::default_token<deferred_t> {
    constexpr deferred_t() noexcept = default;

    /// A token that chains: @p f is called with the operation's results, and returns the deferred operation that follows.
    /// The whole is a deferred operation with the results of the latter. `operation | deferred(f)` is the same.
    template <class Function>
        requires(!is_deferred_v<std::decay_t<Function>>)
    [[nodiscard]] constexpr deferred_function<std::decay_t<Function>> operator()(Function&& f) const;

    /// A deferred operation stays as it is.
    template <class Operation>
        requires is_deferred_v<std::decay_t<Operation>>
    [[nodiscard]] constexpr std::decay_t<Operation> operator()(Operation&& operation) const {
        return std::forward<Operation>(operation);
    }

    /// A deferred operation that yields @p values at once: its handler is called where it is started.
    template <class... Args>
    [[nodiscard]] static constexpr deferred_values<std::decay_t<Args>...> values(Args&&... values);

    /// `deferred.when(condition).then(operation).otherwise(another)`: one of two deferred operations of the same
    /// signature. Without one of them, an operation that does nothing and yields nothing.
    [[nodiscard]] static constexpr deferred_conditional<deferred_noop, deferred_noop> when(bool condition);
};
inline constexpr deferred_t deferred{};

/// An operation that has not been started. It holds copies of the arguments: what they point to must live until the
/// operation completes.
template <class Signature, class Initiation, class... Args>
class [[nodiscard(
    "co_await it, or call it with a token: a deferred operation has not started")]] deferred_async_operation {
public:
    using executor_type = associated_executor_t<Initiation>;

    template <class I, class... A>
    constexpr explicit deferred_async_operation(deferred_t, I && initiation, A && ... args)
        : initiation_(std::forward<I>(initiation)), args_(std::forward<A>(args)...) {}

    executor_type get_executor() const noexcept { return get_associated_executor(initiation_); }

    /// Starts it: once, and by std::move(), for an operation whose arguments can only be moved.
    template <class Token>
    auto operator()(Token&& token)&& {
        return std::apply(
            [&](Args&&... args) {
                return async_initiate<Token, Signature>(std::move(initiation_), token, std::move(args)...);
            },
            std::move(args_));
    }
    template <class Token>
        requires(std::copy_constructible<Initiation> && (std::copy_constructible<Args> && ...))
    auto operator()(Token&& token) const& {
        return std::apply(
            [&](const Args&... args) {
                return async_initiate<Token, Signature>(Initiation(initiation_), token, Args(args)...);
            },
            args_);
    }

private:
    RILL_NO_UNIQUE_ADDRESS Initiation initiation_;
    std::tuple<Args...> args_;
};

/// In place of the signature of an operation that has several.
template <class... Signatures>
struct deferred_signatures {};

template <class Initiation, class... Args, class... Signatures>
class [[nodiscard]] deferred_async_operation<deferred_signatures<Signatures...>, Initiation, Args...> {
public:
    using executor_type = associated_executor_t<Initiation>;

    template <class I, class... A>
    constexpr explicit deferred_async_operation(deferred_t, I&& initiation, A&&... args)
        : initiation_(std::forward<I>(initiation)), args_(std::forward<A>(args)...) {}

    executor_type get_executor() const noexcept { return get_associated_executor(initiation_); }

    template <class Token>
    auto operator()(Token&& token) && {
        return std::apply(
            [&](Args&&... args) {
                return async_initiate<Token, Signatures...>(std::move(initiation_), token, std::move(args)...);
            },
            std::move(args_));
    }
    template <class Token>
        requires(std::copy_constructible<Initiation> && (std::copy_constructible<Args> && ...))
    auto operator()(Token&& token) const& { return deferred_async_operation(*this)(std::forward<Token>(token)); }

private:
    RILL_NO_UNIQUE_ADDRESS Initiation initiation_;
    std::tuple<Args...> args_;
};

template <completion_signature... Signatures>
class async_result<deferred_t, Signatures...> {
    template <class... S>
    struct one_of {
        using type = deferred_signatures<S...>;
    };
    template <class S>
    struct one_of<S> {
        using type = S;
    };

public:
    template <class Initiation, class... Args>
    static auto initiate(Initiation&& initiation, deferred_t token, Args&&... args) {
        return deferred_async_operation<typename one_of<Signatures...>::type, std::decay_t<Initiation>,
                                        std::decay_t<Args>...>(token, std::forward<Initiation>(initiation),
                                                               std::forward<Args>(args)...);
    }
};

template <class Signature, class Initiation, class... Args>
inline constexpr bool is_deferred_v<deferred_async_operation<Signature, Initiation, Args...>> = true;

}  // namespace rill

// Implementation: values, conditions, chains

namespace rill::engine {

struct initiate_values {
    template <class Handler, class... Values>
    void operator()(Handler&& handler, Values&&... values) const {
        std::decay_t<Handler> h(std::forward<Handler>(handler));
        std::move(h)(std::forward<Values>(values)...);
    }
};

/// Starts one of two operations.
struct initiate_one {
    bool condition;

    template <class Handler, class OnTrue, class OnFalse>
    void operator()(Handler&& handler, OnTrue&& on_true, OnFalse&& on_false) const {
        if (condition)
            std::forward<OnTrue>(on_true)(std::forward<Handler>(handler));
        else
            std::forward<OnFalse>(on_false)(std::forward<Handler>(handler));
    }
};

/// The handler of the first operation of a chain: starts the next one.
template <class Handler, class Function>
class chain_handler : public adapter<Handler> {
public:
    template <class H, class F>
    chain_handler(H&& handler, F&& f)
        : adapter<Handler>(std::in_place, std::forward<H>(handler)), function_(std::forward<F>(f)) {}

    template <class... Results>
    void operator()(Results&&... results) {
        auto next = std::move(function_)(std::forward<Results>(results)...);
        std::move(next)(std::move(*this).get());
    }

private:
    RILL_NO_UNIQUE_ADDRESS Function function_;
};

/// What a Function of a chain returns for the results of a Signature.
template <class Function, class Signature>
struct next_of;
template <class Function, class... Results>
    requires std::invocable<Function, Results...>
struct next_of<Function, void(Results...)> {
    using type = std::decay_t<std::invoke_result_t<Function, Results...>>;
};
template <class Function, class... Results>
struct next_of<Function, void(Results...) noexcept> : next_of<Function, void(Results...)> {};

template <class Function, class Signature>
concept chains = requires {
    typename completion_signature_of_t<typename next_of<Function, Signature>::type>;
};

/// Starts the first operation of a chain. It runs where that runs.
template <class First, class Function>
struct initiate_chain {
    using executor_type = associated_executor_t<First>;
    RILL_NO_UNIQUE_ADDRESS First first;
    RILL_NO_UNIQUE_ADDRESS Function function;

    executor_type get_executor() const noexcept { return get_associated_executor(first); }

    template <class Handler>
    void operator()(Handler&& handler) && {
        std::move(first)(
            chain_handler<std::decay_t<Handler>, Function>(std::forward<Handler>(handler), std::move(function)));
    }
    template <class Handler>
    void operator()(Handler&& handler) const& {
        first(chain_handler<std::decay_t<Handler>, Function>(std::forward<Handler>(handler), function));
    }
};

}  // namespace rill::engine

namespace rill {

template <class... Values>
class [[nodiscard]] deferred_values {
public:
    template <class... Args>
    constexpr explicit deferred_values(std::in_place_t, Args&&... values) : values_(std::forward<Args>(values)...) {}

    template <class Token>
    auto operator()(Token&& token) && {
        return std::apply(
            [&](Values&&... values) {
                return async_initiate<Token, void(Values...)>(engine::initiate_values(), token, std::move(values)...);
            },
            std::move(values_));
    }
    template <class Token>
        requires(std::copy_constructible<Values>&&...)
    auto operator()(Token&& token) const& { return deferred_values(*this)(std::forward<Token>(token)); }

private:
    std::tuple<Values...> values_;
};

/// Does nothing.
class [[nodiscard]] deferred_noop {
public:
    template <class Token>
    auto operator()(Token&& token) const {
        return async_initiate<Token, void()>(engine::initiate_values(), token);
    }
};

template <class OnTrue, class OnFalse>
class [[nodiscard]] deferred_conditional {
public:
    template <class T, class F>
    constexpr deferred_conditional(bool condition, T&& on_true, F&& on_false)
        : on_true_(std::forward<T>(on_true)), on_false_(std::forward<F>(on_false)), condition_(condition) {}

    /// With @p operation in place of what is done if the condition holds.
    template <class Operation>
        requires is_deferred_v<std::decay_t<Operation>>
    constexpr auto then(Operation&& operation) && {
        return deferred_conditional<std::decay_t<Operation>, OnFalse>(condition_, std::forward<Operation>(operation),
                                                                      std::move(on_false_));
    }
    /// With @p operation in place of what is done if it does not.
    template <class Operation>
        requires is_deferred_v<std::decay_t<Operation>>
    constexpr auto otherwise(Operation&& operation) && {
        return deferred_conditional<OnTrue, std::decay_t<Operation>>(condition_, std::move(on_true_),
                                                                     std::forward<Operation>(operation));
    }

    template <class Token>
    auto operator()(Token&& token) && {
        using signature = completion_signature_of_t<OnTrue>;
        static_assert(std::is_same_v<signature, completion_signature_of_t<OnFalse>>,
                      "deferred.when(): both operations must have the same completion signature");
        return async_initiate<Token, signature>(engine::initiate_one{condition_}, token, std::move(on_true_),
                                                std::move(on_false_));
    }
    template <class Token>
        requires(std::copy_constructible<OnTrue>&& std::copy_constructible<OnFalse>)
    auto operator()(Token&& token) const& { return deferred_conditional(*this)(std::forward<Token>(token)); }

private:
    RILL_NO_UNIQUE_ADDRESS OnTrue on_true_;
    RILL_NO_UNIQUE_ADDRESS OnFalse on_false_;
    bool condition_;
};

/// The token that deferred(f) returns.
template <class Function>
class deferred_function {
public:
    template <class F>
    constexpr explicit deferred_function(deferred_t, F&& f) : function(std::forward<F>(f)) {}

    Function function;
};

template <class... Values>
inline constexpr bool is_deferred_v<deferred_values<Values...>> = true;
template <>
inline constexpr bool is_deferred_v<deferred_noop> = true;
template <class OnTrue, class OnFalse>
inline constexpr bool is_deferred_v<deferred_conditional<OnTrue, OnFalse>> = true;

template <class Function, completion_signature Signature>
class async_result<deferred_function<Function>, Signature> {
public:
    template <class Initiation, class Token, class... Args>
        requires engine::chains<Function, Signature>
    static auto initiate(Initiation&& initiation, Token&& token, Args&&... args) {
        using first = deferred_async_operation<Signature, std::decay_t<Initiation>, std::decay_t<Args>...>;
        using next = typename engine::next_of<Function, Signature>::type;
        using chain = engine::initiate_chain<first, Function>;
        return deferred_async_operation<completion_signature_of_t<next>, chain>(
            deferred, chain{first(deferred, std::forward<Initiation>(initiation), std::forward<Args>(args)...),
                            std::forward<Token>(token).function});
    }
};

/// `operation | token`: calls the deferred operation with the token, such as a deferred(f) that it goes on with.
template <class Operation, class Token>
    requires is_deferred_v<std::decay_t<Operation>>
auto operator|(Operation&& operation, Token&& token) {
    return std::forward<Operation>(operation)(std::forward<Token>(token));
}

template <class Function>
    requires(!is_deferred_v<std::decay_t<Function>>)
constexpr deferred_function<std::decay_t<Function>> deferred_t::operator()(Function&& f) const {
    return deferred_function<std::decay_t<Function>>(*this, std::forward<Function>(f));
}
template <class... Args>
constexpr deferred_values<std::decay_t<Args>...> deferred_t::values(Args&&... values) {
    return deferred_values<std::decay_t<Args>...>(std::in_place, std::forward<Args>(values)...);
}
constexpr deferred_conditional<deferred_noop, deferred_noop> deferred_t::when(bool condition) {
    return {condition, deferred_noop(), deferred_noop()};
}

}  // namespace rill
