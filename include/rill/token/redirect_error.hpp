// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>
#include <rill/token/partial_token.hpp>
#include <rill/token/redirect_disposition.hpp>
#include <rill/token/token_adapter.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill::engine {

template <class Handler>
class redirect_error_handler : public adapter<Handler> {
public:
    template <class H>
    redirect_error_handler(error_code* ec, H&& handler)
        : adapter<Handler>(std::in_place, std::forward<H>(handler)), ec_(ec) {}

    void operator()() { std::move(*this).get()(); }

    template <class First, class... Args>
    void operator()(First&& first, Args&&... args) {
        if constexpr (std::is_same_v<std::decay_t<First>, error_code>) {
            *ec_ = std::forward<First>(first);
            std::move(*this).get()(std::forward<Args>(args)...);
        } else {
            std::move(*this).get()(std::forward<First>(first), std::forward<Args>(args)...);
        }
    }

private:
    error_code* ec_;
};

struct make_redirect_error_handler {
    error_code* ec;

    template <class Handler>
    auto operator()(Handler&& handler) const {
        return redirect_error_handler<std::decay_t<Handler>>(ec, std::forward<Handler>(handler));
    }
};

template <class Signature>
struct signature_without_error {
    using type = Signature;
};
template <class First, class... Args, bool Noexcept>
    requires(std::is_same_v<std::decay_t<First>, error_code>)
struct signature_without_error<void(First, Args...) noexcept(Noexcept)> {
    using type = void(Args...) noexcept(Noexcept);
};

}  // namespace rill::engine

namespace rill {

/// A token whose handler is not given the error_code. See redirect_error().
template <class CompletionToken>
class redirect_error_t : public engine::adapter<CompletionToken> {
public:
    template <class T>
    redirect_error_t(T&& token, error_code& ec)
        : engine::adapter<CompletionToken>(std::in_place, std::forward<T>(token)), ec_(&ec) {}

    template <class Signature>
    using adapted_signature = typename engine::signature_without_error<Signature>::type;
    engine::make_redirect_error_handler handler_adapter() const noexcept { return {ec_}; }

private:
    error_code* ec_;
};

/// redirect_error() without a token.
class partial_redirect_error : public engine::partial_token {
public:
    explicit partial_redirect_error(error_code& ec) noexcept : ec_(&ec) {}

    template <class CompletionToken>
    [[nodiscard]] redirect_error_t<std::decay_t<CompletionToken>> operator()(CompletionToken&& token) const {
        return redirect_error_t<std::decay_t<CompletionToken>>(std::forward<CompletionToken>(token), *ec_);
    }

private:
    error_code* ec_;
};

/// Puts the operation's error_code into @p ec, and the other results to @p token: nothing is thrown. Operations without
/// an error_code stay as they are.
///
/// Data  @p ec must live until the operation completes
template <class CompletionToken>
[[nodiscard]] redirect_error_t<std::decay_t<CompletionToken>> redirect_error(CompletionToken&& token, error_code& ec) {
    return redirect_error_t<std::decay_t<CompletionToken>>(std::forward<CompletionToken>(token), ec);
}

/// The same for the default token.
[[nodiscard]] inline partial_redirect_error redirect_error(error_code& ec) noexcept {
    return partial_redirect_error(ec);
}

/// The same with another disposition: redirect_disposition().
template <class CompletionToken, disposition Disposition>
    requires(!std::same_as<Disposition, error_code>)
[[nodiscard]] redirect_disposition_t<std::decay_t<CompletionToken>, Disposition> redirect_error(CompletionToken&& token,
                                                                                                Disposition& d) {
    return redirect_disposition(std::forward<CompletionToken>(token), d);
}
template <disposition Disposition>
    requires(!std::same_as<Disposition, error_code>)
[[nodiscard]] partial_redirect_disposition<Disposition> redirect_error(Disposition& d) noexcept {
    return redirect_disposition(d);
}

}  // namespace rill
