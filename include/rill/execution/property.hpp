// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

// Properties: what one may ask of an executor, and ask it to be.
//
// An object takes part by member functions, or by free functions that are found by its own or the property's type:
//
//   ex.query(property)            the property's value
//   ex.require(property)          the same object, but with the property
//   ex.prefer(property)           the same, if that can be; else as it was
//   ex.require_concept(property)  another object, with an interface of another kind
//
// A property is a type P that says in constants what may be done with it, and is false where it says nothing:
//
//   P::is_applicable_property_v<T>      whether it has a meaning for T
//   P::is_requirable, P::is_preferable, P::is_requirable_concept
//   P::static_query_v<T>                if there: the value that each T has, by its type; nothing else is asked then
//   P::value()                          if there: the value that T has with P, so that require() may leave it as it is
//   P::polymorphic_query_result_type    if there: what a polymorphic executor's query() returns

namespace rill {

/// Whether @p Property has a meaning for @p T. May be specialised.
template <class T, class Property, class = void>
struct is_applicable_property : std::false_type {};
template <class T, class Property>
    requires requires { requires Property::template is_applicable_property_v<T>; }
struct is_applicable_property<T, Property> : std::true_type {};
template <class T, class Property>
inline constexpr bool is_applicable_property_v =
    is_applicable_property<std::remove_cvref_t<T>, std::remove_cvref_t<Property>>::value;

}  // namespace rill

// Here the names find free functions by the types of the arguments alone, not the library's own function objects.
namespace rill::found_by_arguments {

void query() = delete;
void require() = delete;
void prefer() = delete;
void require_concept() = delete;

template <class T, class Property>
concept has_query = requires(const T& t, const Property& p) {
    query(t, p);
};
template <class T, class Property>
concept has_require = requires(const T& t, const Property& p) {
    require(t, p);
};
template <class T, class Property>
concept has_prefer = requires(const T& t, const Property& p) {
    prefer(t, p);
};
template <class T, class Property>
concept has_require_concept = requires(const T& t, const Property& p) {
    require_concept(t, p);
};

template <class T, class Property>
constexpr decltype(auto) do_query(const T& t, const Property& p) noexcept(noexcept(query(t, p))) {
    return query(t, p);
}
template <class T, class Property>
constexpr auto do_require(const T& t, const Property& p) noexcept(noexcept(require(t, p))) {
    return require(t, p);
}
template <class T, class Property>
constexpr auto do_prefer(const T& t, const Property& p) noexcept(noexcept(prefer(t, p))) {
    return prefer(t, p);
}
template <class T, class Property>
constexpr auto do_require_concept(const T& t, const Property& p) noexcept(noexcept(require_concept(t, p))) {
    return require_concept(t, p);
}

}  // namespace rill::found_by_arguments

namespace rill::engine {

template <class T, class Property>
concept has_query_member = requires(const T& t, const Property& p) {
    t.query(p);
};
template <class T, class Property>
concept has_require_member = requires(const T& t, const Property& p) {
    t.require(p);
};
template <class T, class Property>
concept has_prefer_member = requires(const T& t, const Property& p) {
    t.prefer(p);
};
template <class T, class Property>
concept has_require_concept_member = requires(const T& t, const Property& p) {
    t.require_concept(p);
};

/// T's own query() is static and constant.
template <class T, class Property>
concept has_constant_query = requires {
    typename std::bool_constant<(static_cast<void>(T::query(Property())), true)>;
};

template <class T, class Property>
concept has_static_query = requires {
    Property::template static_query_v<T>;
};

template <class T, class Property>
consteval auto static_value() {
    return Property::template static_query_v<T>;
}

/// T has the property whatever its value, by its type: nothing needs to be done.
template <class T, class Property>
concept has_always = has_static_query<T, Property> && requires {
    requires(Property::template static_query_v<T> == Property::value());
};

template <class Property>
concept requirable = requires {
    requires Property::is_requirable;
};
template <class Property>
concept preferable = requires {
    requires Property::is_preferable;
};
template <class Property>
concept requirable_concept = requires {
    requires Property::is_requirable_concept;
};

template <class T, class Property>
concept can_become =
    has_always<T, Property> || has_require_member<T, Property> || found_by_arguments::has_require<T, Property>;

}  // namespace rill::engine

namespace rill {

/// Whether @p T can be asked for the value of @p Property.
template <class T, class Property>
concept queryable_for = is_applicable_property_v<T, Property> &&
    (engine::has_static_query<T, Property> || engine::has_query_member<T, Property> ||
     found_by_arguments::has_query<T, Property>);

/// Whether @p T can be made to have @p Property.
template <class T, class Property>
concept requirable_for =
    engine::requirable<Property> && is_applicable_property_v<T, Property> && engine::can_become<T, Property>;

/// Whether @p T can be asked to have @p Property, and may be left as it was.
template <class T, class Property>
concept preferable_for = engine::preferable<Property> && is_applicable_property_v<T, Property>;

/// Whether @p T can be turned into something of the kind that @p Property names.
template <class T, class Property>
concept concept_requirable_for = engine::requirable_concept<Property> && is_applicable_property_v<T, Property> &&
    (engine::has_always<T, Property> || engine::has_require_concept_member<T, Property> ||
     found_by_arguments::has_require_concept<T, Property>);

/// The value of a property: by the type alone, by `t.query(p)` or by `query(t, p)`.
struct query_fn {
    template <class T, class Property>
        requires queryable_for<T, Property>
    constexpr decltype(auto) operator()(const T& t, const Property& p) const noexcept(is_nothrow<T, Property>());

private:
    template <class T, class Property>
    static consteval bool is_nothrow();
};
inline constexpr query_fn query{};

/// @p t with all of the properties, one after the other; a compile error if it cannot have one.
struct require_fn {
    template <class T, class Property>
        requires requirable_for<T, Property>
    constexpr auto operator()(const T& t, const Property& p) const noexcept(is_nothrow<T, Property>());
    template <class T, class First, class Second, class... More>
        requires requirable_for<T, First> && std::invocable < const require_fn&,
            std::invoke_result_t<const require_fn&, const T&, const First&>,
    const Second&, const More&... >
                       constexpr auto operator()(const T& t, const First& p, const Second& q, const More&... more) const
                       noexcept(noexcept((*this)((*this)(t, p), q, more...))) {
        return (*this)((*this)(t, p), q, more...);
    }

private:
    template <class T, class Property>
    static consteval bool is_nothrow();
};
inline constexpr require_fn require{};

/// @p t with those of the properties that it can have.
struct prefer_fn {
    template <class T, class Property>
        requires preferable_for<T, Property>
    constexpr auto operator()(const T& t, const Property& p) const noexcept(is_nothrow<T, Property>());
    template <class T, class First, class Second, class... More>
        requires preferable_for<T, First> && std::invocable < const prefer_fn&,
            std::invoke_result_t<const prefer_fn&, const T&, const First&>,
    const Second&, const More&... >
                       constexpr auto operator()(const T& t, const First& p, const Second& q, const More&... more) const
                       noexcept(noexcept((*this)((*this)(t, p), q, more...))) {
        return (*this)((*this)(t, p), q, more...);
    }

private:
    template <class T, class Property>
    static consteval bool is_nothrow();
};
inline constexpr prefer_fn prefer{};

/// Something of the kind that the property names, made from @p t.
struct require_concept_fn {
    template <class T, class Property>
        requires concept_requirable_for<T, Property>
    constexpr auto operator()(const T& t, const Property& p) const noexcept(is_nothrow<T, Property>());

private:
    template <class T, class Property>
    static consteval bool is_nothrow();
};
inline constexpr require_concept_fn require_concept{};

// The same as types and constants.

template <class T, class Property>
inline constexpr bool can_query_v = queryable_for<std::remove_cvref_t<T>, std::remove_cvref_t<Property>>;
template <class T, class... Properties>
inline constexpr bool can_require_v =
    std::invocable<const require_fn&, const std::remove_cvref_t<T>&, const std::remove_cvref_t<Properties>&...>;
template <class T, class... Properties>
inline constexpr bool can_prefer_v =
    std::invocable<const prefer_fn&, const std::remove_cvref_t<T>&, const std::remove_cvref_t<Properties>&...>;
template <class T, class Property>
inline constexpr bool can_require_concept_v =
    concept_requirable_for<std::remove_cvref_t<T>, std::remove_cvref_t<Property>>;

template <class T, class Property>
struct can_query : std::bool_constant<can_query_v<T, Property>> {};
template <class T, class... Properties>
struct can_require : std::bool_constant<can_require_v<T, Properties...>> {};
template <class T, class... Properties>
struct can_prefer : std::bool_constant<can_prefer_v<T, Properties...>> {};
template <class T, class Property>
struct can_require_concept : std::bool_constant<can_require_concept_v<T, Property>> {};

template <class T, class Property>
inline constexpr bool is_nothrow_query_v =
    std::is_nothrow_invocable_v<const query_fn&, const std::remove_cvref_t<T>&, const std::remove_cvref_t<Property>&>;
template <class T, class... Properties>
inline constexpr bool is_nothrow_require_v =
    std::is_nothrow_invocable_v<const require_fn&, const std::remove_cvref_t<T>&,
                                const std::remove_cvref_t<Properties>&...>;
template <class T, class... Properties>
inline constexpr bool is_nothrow_prefer_v = std::is_nothrow_invocable_v<const prefer_fn&, const std::remove_cvref_t<T>&,
                                                                        const std::remove_cvref_t<Properties>&...>;
template <class T, class Property>
inline constexpr bool is_nothrow_require_concept_v =
    std::is_nothrow_invocable_v<const require_concept_fn&, const std::remove_cvref_t<T>&,
                                const std::remove_cvref_t<Property>&>;

template <class T, class Property>
struct is_nothrow_query : std::bool_constant<is_nothrow_query_v<T, Property>> {};
template <class T, class... Properties>
struct is_nothrow_require : std::bool_constant<is_nothrow_require_v<T, Properties...>> {};
template <class T, class... Properties>
struct is_nothrow_prefer : std::bool_constant<is_nothrow_prefer_v<T, Properties...>> {};
template <class T, class Property>
struct is_nothrow_require_concept : std::bool_constant<is_nothrow_require_concept_v<T, Property>> {};

template <class T, class Property>
using query_result =
    std::invoke_result<const query_fn&, const std::remove_cvref_t<T>&, const std::remove_cvref_t<Property>&>;
template <class T, class... Properties>
using require_result =
    std::invoke_result<const require_fn&, const std::remove_cvref_t<T>&, const std::remove_cvref_t<Properties>&...>;
template <class T, class... Properties>
using prefer_result =
    std::invoke_result<const prefer_fn&, const std::remove_cvref_t<T>&, const std::remove_cvref_t<Properties>&...>;
template <class T, class Property>
using require_concept_result =
    std::invoke_result<const require_concept_fn&, const std::remove_cvref_t<T>&, const std::remove_cvref_t<Property>&>;

template <class T, class Property>
using query_result_t = typename query_result<T, Property>::type;
template <class T, class... Properties>
using require_result_t = typename require_result<T, Properties...>::type;
template <class T, class... Properties>
using prefer_result_t = typename prefer_result<T, Properties...>::type;
template <class T, class Property>
using require_concept_result_t = typename require_concept_result<T, Property>::type;

// Implementation

template <class T, class Property>
consteval bool query_fn::is_nothrow() {
    if constexpr (engine::has_static_query<T, Property>)
        return true;
    else if constexpr (engine::has_query_member<T, Property>)
        return noexcept(std::declval<const T&>().query(std::declval<const Property&>()));
    else
        return noexcept(found_by_arguments::do_query(std::declval<const T&>(), std::declval<const Property&>()));
}

template <class T, class Property>
    requires queryable_for<T, Property>
constexpr decltype(auto) query_fn::operator()(const T& t, const Property& p) const noexcept(is_nothrow<T, Property>()) {
    if constexpr (engine::has_static_query<T, Property>)
        return engine::static_value<T, Property>();
    else if constexpr (engine::has_query_member<T, Property>)
        return t.query(p);
    else
        return found_by_arguments::do_query(t, p);
}

template <class T, class Property>
consteval bool require_fn::is_nothrow() {
    if constexpr (engine::has_always<T, Property>)
        return std::is_nothrow_copy_constructible_v<T>;
    else if constexpr (engine::has_require_member<T, Property>)
        return noexcept(std::declval<const T&>().require(std::declval<const Property&>()));
    else
        return noexcept(found_by_arguments::do_require(std::declval<const T&>(), std::declval<const Property&>()));
}

template <class T, class Property>
    requires requirable_for<T, Property>
constexpr auto require_fn::operator()(const T& t, const Property& p) const noexcept(is_nothrow<T, Property>()) {
    if constexpr (engine::has_always<T, Property>)
        return t;
    else if constexpr (engine::has_require_member<T, Property>)
        return t.require(p);
    else
        return found_by_arguments::do_require(t, p);
}

template <class T, class Property>
consteval bool prefer_fn::is_nothrow() {
    if constexpr (engine::has_always<T, Property>)
        return std::is_nothrow_copy_constructible_v<T>;
    else if constexpr (requirable_for<T, Property>)
        return noexcept(require(std::declval<const T&>(), std::declval<const Property&>()));
    else if constexpr (engine::has_prefer_member<T, Property>)
        return noexcept(std::declval<const T&>().prefer(std::declval<const Property&>()));
    else if constexpr (found_by_arguments::has_prefer<T, Property>)
        return noexcept(found_by_arguments::do_prefer(std::declval<const T&>(), std::declval<const Property&>()));
    else
        return std::is_nothrow_copy_constructible_v<T>;
}

template <class T, class Property>
    requires preferable_for<T, Property>
constexpr auto prefer_fn::operator()(const T& t, const Property& p) const noexcept(is_nothrow<T, Property>()) {
    if constexpr (engine::has_always<T, Property>)
        return t;
    else if constexpr (requirable_for<T, Property>)
        return require(t, p);
    else if constexpr (engine::has_prefer_member<T, Property>)
        return t.prefer(p);
    else if constexpr (found_by_arguments::has_prefer<T, Property>)
        return found_by_arguments::do_prefer(t, p);
    else
        return t;
}

template <class T, class Property>
consteval bool require_concept_fn::is_nothrow() {
    if constexpr (engine::has_always<T, Property>)
        return std::is_nothrow_copy_constructible_v<T>;
    else if constexpr (engine::has_require_concept_member<T, Property>)
        return noexcept(std::declval<const T&>().require_concept(std::declval<const Property&>()));
    else
        return noexcept(
            found_by_arguments::do_require_concept(std::declval<const T&>(), std::declval<const Property&>()));
}

template <class T, class Property>
    requires concept_requirable_for<T, Property>
constexpr auto require_concept_fn::operator()(const T& t, const Property& p) const noexcept(is_nothrow<T, Property>()) {
    if constexpr (engine::has_always<T, Property>)
        return t;
    else if constexpr (engine::has_require_concept_member<T, Property>)
        return t.require_concept(p);
    else
        return found_by_arguments::do_require_concept(t, p);
}

}  // namespace rill
