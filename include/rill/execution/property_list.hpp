// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/prefer_only.hpp>
#include <rill/execution/properties.hpp>

#include <any>
#include <memory>
#include <optional>
#include <type_traits>

namespace rill::engine {

/// Its address is the name of a property at run time.
template <class Property>
inline constexpr char property_name = 0;

/// A property of the list, without prefer_only.
template <class Property>
struct listed : std::type_identity<Property> {
    static constexpr bool may_be_required = requirable<Property>;
};
template <class Property>
struct listed<execution::prefer_only<Property>> : std::type_identity<Property> {
    static constexpr bool may_be_required = false;
};

template <class Property>
concept polymorphic = requires {
    typename Property::polymorphic_query_result_type;
};
template <class Property>
concept of_choice = polymorphic<Property> && requires {
    typename Property::polymorphic_query_result_type::usual_t;
};

/// What is asked for in the place of @p Property: of a choice always the whole; void if it cannot be asked for.
template <class Property>
struct asked : std::type_identity<void> {};
template <polymorphic Property>
struct asked<Property> : std::type_identity<Property> {};
template <of_choice Property>
struct asked<Property> : std::type_identity<typename Property::polymorphic_query_result_type> {};

template <class Executor, class Listed, class Property = typename listed<Listed>::type>
concept supports_property = (!listed<Listed>::may_be_required || requirable_for<Executor, Property>)&&(
    !preferable<Property> || preferable_for<Executor, Property>)&&(requirable<Property> || preferable<Property> ||
                                                                   queryable_for<Executor, Property>);

// The first of the Listed that serves for Property, without prefer_only; void if none does.
template <class Property, class... Listed>
struct item_to_query : std::type_identity<void> {};
template <class Property, class First, class... More>
struct item_to_query<Property, First, More...>
    : std::conditional_t<std::is_convertible_v<Property, typename asked<typename listed<First>::type>::type>,
                         asked<typename listed<First>::type>, item_to_query<Property, More...>> {};

template <class Property, class... Listed>
struct item_to_require : std::type_identity<void> {};
template <class Property, class First, class... More>
struct item_to_require<Property, First, More...>
    : std::conditional_t<listed<First>::may_be_required &&
                             std::is_convertible_v<Property, typename listed<First>::type>,
                         listed<First>, item_to_require<Property, More...>> {};

template <class Property, class... Listed>
struct item_to_prefer : std::type_identity<void> {};
template <class Property, class First, class... More>
struct item_to_prefer<Property, First, More...>
    : std::conditional_t<preferable<typename listed<First>::type> &&
                             std::is_convertible_v<Property, typename listed<First>::type>,
                         listed<First>, item_to_prefer<Property, More...>> {};

/// The first of the properties that a target lacks; void if it has all.
template <class Executor, class... Listed>
struct first_missing : std::type_identity<void> {};
template <class Executor, class First, class... More>
struct first_missing<Executor, First, More...>
    : std::conditional_t<supports_property<Executor, First>, first_missing<Executor, More...>,
                         std::type_identity<First>> {};

/// What the properties of a polymorphic executor mean for its target, whose type is known here. The property that is
/// asked for is known by name only.
template <class... Listed>
class property_list {
public:
    template <class Executor>
    using missing_in = first_missing<Executor, Listed...>;

    template <class Property>
    using to_query = typename item_to_query<Property, Listed...>::type;
    template <class Property>
    using to_require = typename item_to_require<Property, Listed...>::type;
    template <class Property>
    using to_prefer = typename item_to_prefer<Property, Listed...>::type;

    /// @p result: an optional for the answer, or a pointer if it is a reference.
    template <class Executor>
    static void query(const Executor& ex, [[maybe_unused]] const void* name, [[maybe_unused]] const void* property,
                      [[maybe_unused]] void* result) {
        static_cast<void>(
            (query_if<Executor, typename asked<typename listed<Listed>::type>::type>(ex, name, property, result) ||
             ...));
    }

    /// What @p make makes of @p ex as it is required or preferred to be; @p otherwise if the name is not in the list.
    template <class Executor, class Make, class Result>
    static Result change(const Executor& ex, const void* name, const void* property, Make make,
                         const Result& otherwise) {
        return change_first<Executor, Make, Result, Listed...>(ex, name, property, make, otherwise);
    }

private:
    template <class Executor, class Property>
    static bool query_if(const Executor& ex, const void* name, const void* property, void* result) {
        if constexpr (std::is_void_v<Property>) {
            return false;
        } else {
            if (name != &property_name<Property>)
                return false;
            using answer = typename Property::polymorphic_query_result_type;
            if constexpr (!queryable_for<Executor, Property>)
                return true;
            else if constexpr (std::is_reference_v<answer>)
                *static_cast<std::remove_reference_t<answer>**>(result) =
                    std::addressof(static_cast<answer>(query_fn()(ex, *static_cast<const Property*>(property))));
            else if constexpr (std::is_same_v<Property, execution::context_t>)
                static_cast<std::optional<answer>*>(result)->emplace(
                    std::addressof(query_fn()(ex, *static_cast<const Property*>(property))));
            else
                static_cast<std::optional<answer>*>(result)->emplace(
                    query_fn()(ex, *static_cast<const Property*>(property)));
            return true;
        }
    }

    template <class Executor, class Make, class Result>
    static Result change_first(const Executor&, const void*, const void*, Make&, const Result& otherwise) {
        return otherwise;
    }
    template <class Executor, class Make, class Result, class First, class... More>
    static Result change_first(const Executor& ex, const void* name, const void* property, Make& make,
                               const Result& otherwise) {
        using wanted = typename listed<First>::type;
        if constexpr (listed<First>::may_be_required) {
            if (name == &property_name<wanted>)
                return make(require(ex, *static_cast<const wanted*>(property)));
        } else if constexpr (preferable<wanted>) {
            if (name == &property_name<wanted>)
                return make(prefer(ex, *static_cast<const wanted*>(property)));
        }
        return change_first<Executor, Make, Result, More...>(ex, name, property, make, otherwise);
    }
};

}  // namespace rill::engine
