// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/disposition.hpp>
#include <rill/token/partial_token.hpp>
#include <rill/token/token_adapter.hpp>

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// A first result that a variable of type Disposition can take. An exception_ptr takes every disposition.
template <class First, class Disposition>
concept redirectable_to = disposition<std::decay_t<First>> &&
    (std::assignable_from<Disposition&, First> || std::same_as<Disposition, std::exception_ptr>);

template <class Handler, class Disposition>
class redirect_disposition_handler : public adapter<Handler> {
public:
    template <class H>
    redirect_disposition_handler(Disposition* d, H&& handler)
        : adapter<Handler>(std::in_place, std::forward<H>(handler)), disposition_(d) {}

    void operator()() { std::move(*this).get()(); }

    template <class First, class... Args>
    void operator()(First&& first, Args&&... args) {
        if constexpr (redirectable_to<First, Disposition>) {
            if constexpr (std::assignable_from<Disposition&, First>)
                *disposition_ = std::forward<First>(first);
            else
                *disposition_ = to_exception_ptr(first);
            std::move(*this).get()(std::forward<Args>(args)...);
        } else {
            std::move(*this).get()(std::forward<First>(first), std::forward<Args>(args)...);
        }
    }

private:
    Disposition* disposition_;
};

template <class Disposition>
struct make_redirect_disposition_handler {
    Disposition* disposition;

    template <class Handler>
    auto operator()(Handler&& handler) const {
        return redirect_disposition_handler<std::decay_t<Handler>, Disposition>(disposition,
                                                                                std::forward<Handler>(handler));
    }
};

template <class Disposition, class Signature>
struct signature_without_disposition {
    using type = Signature;
};
template <class Disposition, redirectable_to<Disposition> First, class... Args, bool Noexcept>
struct signature_without_disposition<Disposition, void(First, Args...) noexcept(Noexcept)> {
    using type = void(Args...) noexcept(Noexcept);
};

}  // namespace rill::engine

namespace rill {

/// A token whose handler is not given the disposition. See redirect_disposition().
template <class CompletionToken, class Disposition>
class redirect_disposition_t : public engine::adapter<CompletionToken> {
public:
    template <class T>
    redirect_disposition_t(T&& token, Disposition& d)
        : engine::adapter<CompletionToken>(std::in_place, std::forward<T>(token)), disposition_(&d) {}

    template <class Signature>
    using adapted_signature = typename engine::signature_without_disposition<Disposition, Signature>::type;
    engine::make_redirect_disposition_handler<Disposition> handler_adapter() const noexcept { return {disposition_}; }

private:
    Disposition* disposition_;
};

/// redirect_disposition() without a token.
template <class Disposition>
class partial_redirect_disposition : public engine::partial_token {
public:
    explicit partial_redirect_disposition(Disposition& d) noexcept : disposition_(&d) {}

    template <class CompletionToken>
    [[nodiscard]] redirect_disposition_t<std::decay_t<CompletionToken>, Disposition>
    operator()(CompletionToken&& token) const {
        return {std::forward<CompletionToken>(token), *disposition_};
    }

private:
    Disposition* disposition_;
};

/// Puts the operation's first result, if it is a disposition, into @p d, and the other results to @p token: nothing is
/// thrown. A std::exception_ptr takes each disposition as the exception that it stands for; other types take what can be
/// assigned to them. Operations whose first result is nothing of that stay as they are.
///
/// Data  @p d must live until the operation completes
template <class CompletionToken, disposition Disposition>
[[nodiscard]] redirect_disposition_t<std::decay_t<CompletionToken>, Disposition>
redirect_disposition(CompletionToken&& token, Disposition& d) {
    return {std::forward<CompletionToken>(token), d};
}

/// The same for the default token.
template <disposition Disposition>
[[nodiscard]] partial_redirect_disposition<Disposition> redirect_disposition(Disposition& d) noexcept {
    return partial_redirect_disposition<Disposition>(d);
}

}  // namespace rill
