// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/executor.hpp>
#include <rill/execution/property.hpp>

#include <type_traits>

// Properties of executors that have one of a few values, each of which is a property too:
//
//   query(ex, execution::blocking) == execution::blocking.never
//   require(ex, execution::blocking.never)

namespace rill::engine {

// What of the Properties an executor answers for; void if nothing.
template <class Executor, class... Properties>
struct first_answered : std::type_identity<void> {};
template <class Executor, class Property, class... More>
struct first_answered<Executor, Property, More...>
    : std::conditional_t<has_query_member<Executor, Property>, std::type_identity<Property>,
                         first_answered<Executor, More...>> {};

// Which of a choice's properties an executor answers for, and what it has by its type. The class of the choice is
// complete when these are.
template <class Executor, class Whole>
struct answered_of : Whole::template answered<Executor> {};

template <class Executor, class Whole>
concept says_nothing_of = std::is_void_v<typename answered_of<Executor, Whole>::type>;

template <class Executor, class Whole>
concept tells_choice =
    says_nothing_of<Executor, Whole> || has_constant_query<Executor, typename answered_of<Executor, Whole>::type>;

template <class Executor, class Whole, class Value>
concept tells_value = has_constant_query<Executor, Value> ||
    (std::is_same_v<Value, typename Whole::usual_t>&& says_nothing_of<Executor, Whole>);

template <class Executor, class Whole, class Asked>
consteval auto told_by_type() {
    if constexpr (says_nothing_of<Executor, Whole>)
        return Whole(typename Whole::usual_t());
    else
        return Whole(Executor::query(Asked()));
}

/// The whole property, which executors are asked for. Whole has the types of its values nested, and names the usual one.
///
/// An executor answers for the whole, or for single values; one that does neither has the usual value.
template <class Whole>
class choice {
public:
    template <class T>
    static constexpr bool is_applicable_property_v = execution::function_runner<T>;
    static constexpr bool is_requirable = false;
    static constexpr bool is_preferable = false;
    using polymorphic_query_result_type = Whole;

    template <class Executor>
        requires tells_choice<Executor, Whole>
    static constexpr auto static_query_v = told_by_type<Executor, Whole, typename answered_of<Executor, Whole>::type>();

    template <class Executor, class Answered = typename answered_of<Executor, Whole>::type>
        requires(!says_nothing_of<Executor, Whole> && !has_query_member<Executor, Whole>)
    friend constexpr auto query(const Executor& ex, const Whole&) noexcept(noexcept(ex.query(Answered()))) {
        return Whole(ex.query(Answered()));
    }
};

/// One of the values, which executors are required to have; asked for it, they answer with a Whole.
template <class Whole, class Value>
class choice_value {
public:
    template <class T>
    static constexpr bool is_applicable_property_v = execution::function_runner<T>;
    static constexpr bool is_requirable = true;
    static constexpr bool is_preferable = true;
    using polymorphic_query_result_type = Whole;

    static constexpr auto value() noexcept { return Whole(Value()); }

    template <class Executor>
        requires tells_value<Executor, Whole, Value>
    static constexpr auto static_query_v = told_by_type<Executor, Whole, Value>();
};

}  // namespace rill::engine
