// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

template <class Signature>
struct results_of;
template <class... Results, bool Noexcept>
struct results_of<void(Results...) noexcept(Noexcept)> {
    using type = std::tuple<std::decay_t<Results>...>;
};
template <class Signature>
using results_of_t = typename results_of<Signature>::type;

template <class Tuple, class... Results>
inline constexpr bool can_keep = false;
template <class... Kept, class... Results>
    requires(sizeof...(Kept) == sizeof...(Results))
inline constexpr bool can_keep<std::tuple<Kept...>, Results...> = (std::constructible_from<Kept, Results> && ...);

/// Room for the results of an operation that completes with one of these signatures.
template <class... Signatures>
class kept_results {
public:
    kept_results() noexcept = default;
    kept_results(const kept_results&) = delete;
    kept_results& operator=(const kept_results&) = delete;
    ~kept_results() {
        with_kept([]<class Kept>(Kept& kept) { kept.~Kept(); });
    }

    template <class... Results>
    void emplace(Results&&... results) {
        static constexpr std::size_t chosen = choose<Results...>();
        static_assert(chosen != none, "an operation must complete with the arguments of one of its signatures");
        using kept = std::tuple_element_t<chosen, std::tuple<results_of_t<Signatures>...>>;
        ::new (static_cast<void*>(room_)) kept(std::forward<Results>(results)...);
        chosen_ = chosen;
    }

    /// Moves them out, so that this may be destroyed meanwhile, and calls @p f with them.
    template <class F>
    void visit(F f) {
        with_kept([&]<class Kept>(Kept& kept) {
            Kept moved(std::move(kept));
            std::apply([&](auto&... results) { f(std::move(results)...); }, moved);
        });
    }

private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    // The signature that was meant; failing that, the first that fits.
    template <class... Results>
    static constexpr std::size_t choose() {
        constexpr bool same[] = {std::same_as<results_of_t<Signatures>, std::tuple<std::decay_t<Results>...>>...};
        constexpr bool fits[] = {can_keep<results_of_t<Signatures>, Results...>...};
        for (std::size_t i = 0; i != sizeof...(Signatures); ++i)
            if (same[i])
                return i;
        for (std::size_t i = 0; i != sizeof...(Signatures); ++i)
            if (fits[i])
                return i;
        return none;
    }

    // Once: @p f may destroy this.
    template <class F>
    void with_kept(F f) {
        const std::size_t chosen = chosen_;
        std::size_t i = 0;
        (void)((i++ == chosen && (f(*std::launder(reinterpret_cast<results_of_t<Signatures>*>(room_))), true)) || ...);
    }

    static constexpr std::size_t room_for_any() noexcept {
        std::size_t most = 0;
        ((most = sizeof(results_of_t<Signatures>) > most ? sizeof(results_of_t<Signatures>) : most), ...);
        return most;
    }

    std::size_t chosen_ = none;
    alignas(results_of_t<Signatures>...) unsigned char room_[room_for_any()];
};

// -- what tells of a failure, in front of the results: also inside the tuple that as_tuple makes of them

inline void tell_timed_out(error_code& ec) noexcept {
    if (ec == error::operation_aborted)
        ec = error::timed_out;
}

inline void tell_timed_out(std::exception_ptr& failure) {
    if (!failure)
        return;
    try {
        std::rethrow_exception(failure);
    } catch (const system_error& e) {
        if (e.code() == error::operation_aborted)
            failure = std::make_exception_ptr(system_error(error::timed_out));
    } catch (...) {
        // Something else, which stays.
    }
}

template <class First, class... Rest>
void tell_timed_out(std::tuple<First, Rest...>& results) {
    tell_timed_out(std::get<0>(results));
}

template <class Result>
void tell_timed_out(Result&) noexcept {}

}  // namespace rill::engine
