// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>
#include <rill/token/associator.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// The base of what is made of a handler, or of a token, and stands for it. The derived class is asked first for an
/// associated characteristic, by its members, then the target: so there is one only if one of them has it.
template <class Target>
class adapter {
public:
    using target_type = Target;

    Target& get() & noexcept { return target_; }
    const Target& get() const& noexcept { return target_; }
    Target&& get() && noexcept { return std::move(target_); }

protected:
    template <class T>
        requires(std::constructible_from<Target, T>)
    constexpr explicit adapter(std::in_place_t, T&& target) : target_(std::forward<T>(target)) {}

private:
    RILL_NO_UNIQUE_ADDRESS Target target_;
};

template <class T>
concept derived_from_adapter = requires {
    typename T::target_type;
    requires std::derived_from<T, adapter<typename T::target_type>>;
};

}  // namespace rill::engine

namespace rill {

template <template <class, class> class Associator, engine::derived_from_adapter T, class Candidate>
    requires requires { typename Associator<typename T::target_type, Candidate>::type; }
struct associator<Associator, T, Candidate> {
private:
    using of_target = Associator<typename T::target_type, Candidate>;

public:
    using type = typename of_target::type;
    static decltype(auto) get(const T& t) noexcept { return of_target::get(t.get()); }
    static decltype(auto) get(const T& t, const Candidate& c) noexcept { return of_target::get(t.get(), c); }
};

}  // namespace rill
