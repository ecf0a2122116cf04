// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/executor.hpp>
#include <rill/execution/property.hpp>

namespace rill::engine {

template <class Property>
struct polymorphic_result {};
template <class Property>
    requires requires { typename Property::polymorphic_query_result_type; }
struct polymorphic_result<Property> {
    using polymorphic_query_result_type = typename Property::polymorphic_query_result_type;
};

}  // namespace rill::engine

namespace rill::execution {

/// @p Property for the list of an any_executor: the target is asked to have it, and kept as it is if it cannot.
template <class Property>
class prefer_only : public engine::polymorphic_result<Property> {
public:
    template <class T>
    static constexpr bool is_applicable_property_v = is_applicable_property<T, Property>::value;
    static constexpr bool is_requirable = false;
    static constexpr bool is_preferable = engine::preferable<Property>;

    template <class T>
        requires engine::has_static_query<T, Property>
    static constexpr auto static_query_v = Property::template static_query_v<T>;
    static constexpr auto value() requires requires { Property::value(); }
    { return Property::value(); }

    constexpr prefer_only(const Property& p) : property_(p) {}
    constexpr const Property& property() const noexcept { return property_; }

    template <class T>
        requires preferable_for<T, Property>
    friend constexpr auto prefer(const T& t, const prefer_only& p) noexcept(is_nothrow_prefer_v<T, Property>) {
        return prefer(t, p.property_);
    }
    template <class T>
        requires queryable_for<T, Property>
    friend constexpr decltype(auto) query(const T& t, const prefer_only& p) noexcept(is_nothrow_query_v<T, Property>) {
        return query(t, p.property_);
    }

private:
    Property property_;
};

}  // namespace rill::execution
