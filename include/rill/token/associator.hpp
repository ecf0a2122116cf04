// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>  // declares std::reference_wrapper

namespace rill {

/// Specialised by adapters, once for all associated characteristics: how @p T answers for the handler that it wraps.
/// A specialisation has `type`, `get(t)` and `get(t, candidate)`.
template <template <class, class> class Associator, class T, class Candidate>
struct associator {};

/// A std::reference_wrapper answers as what it refers to.
template <template <class, class> class Associator, class T, class Candidate>
struct associator<Associator, std::reference_wrapper<T>, Candidate> {
private:
    using of_target = Associator<std::remove_cv_t<T>, Candidate>;

public:
    using type = typename of_target::type;
    static decltype(auto) get(const std::reference_wrapper<T>& r) noexcept { return of_target::get(r.get()); }
    static decltype(auto) get(const std::reference_wrapper<T>& r, const Candidate& c) noexcept {
        return of_target::get(r.get(), c);
    }
};

}  // namespace rill

namespace rill::engine {

/// A candidate that nobody means: what comes back as this has no association of its own.
struct no_candidate {};

/// What associated_executor, associated_allocator, ... have in common. A Kind says what T's own member is called.
/// In this order: T's member, a specialisation of associator, the candidate.
template <class Kind, template <class, class> class Associator, class T, class Candidate>
struct association {
    using type = Candidate;
    static type get(const T&) noexcept { return Candidate(); }
    static const Candidate& get(const T&, const Candidate& c) noexcept { return c; }
};

template <class Kind, template <class, class> class Associator, class T, class Candidate>
    requires requires { typename Kind::template of<T>; }
struct association<Kind, Associator, T, Candidate> {
    using type = typename Kind::template of<T>;
    static decltype(auto) get(const T& t) noexcept { return Kind::get(t); }
    template <class C>
    static decltype(auto) get(const T& t, const C&) noexcept {
        return Kind::get(t);
    }
};

template <class Kind, template <class, class> class Associator, class T, class Candidate>
    requires(
        !requires { typename Kind::template of<T>; } &&
        requires { typename associator<Associator, T, Candidate>::type; })
struct association<Kind, Associator, T, Candidate> : associator<Associator, T, Candidate> {};

}  // namespace rill::engine
