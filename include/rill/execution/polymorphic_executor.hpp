// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/erased_executor.hpp>
#include <rill/execution/property_list.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// Whether an @p Executor can be the target of a polymorphic one with the properties.
///
/// Whether there is == is not asked: for a type with any_io_executor among its template arguments, such as a strand, the
/// answer would depend on whether it converts to any_io_executor.
template <class Executor, class Properties>
concept target_with =
    execution::function_runner<Executor> && std::is_void_v<typename Properties::template missing_in<Executor>::type>;

/// What any_executor, any_io_executor and any_completion_executor have in common. Derived: the class itself.
template <class Derived, class Properties>
class polymorphic_executor : public erased_executor {
    // Whether the class itself is an executor must not be asked when it is copied.
    template <class Executor>
    using missing_in = std::conditional_t<std::derived_from<Executor, polymorphic_executor>, std::type_identity<void>,
                                          typename Properties::template missing_in<Executor>>;

public:
    constexpr polymorphic_executor() noexcept = default;
    constexpr polymorphic_executor(std::nullptr_t) noexcept {}

    template <class Executor>
        requires(!std::derived_from<Executor, polymorphic_executor> && target_with<Executor, Properties>)
    polymorphic_executor(Executor ex) : erased_executor(from(std::move(ex))) {}

    // So that the compiler's message names the property that the executor lacks.
    template <class Executor, class MissingProperty = typename missing_in<Executor>::type>
        requires(!std::derived_from<Executor, polymorphic_executor> && execution::function_runner<Executor> &&
                 !target_with<Executor, Properties>)
    polymorphic_executor(Executor)
    = delete;

    template <class Executor>
        requires(!std::derived_from<Executor, polymorphic_executor> && target_with<Executor, Properties>)
    polymorphic_executor(const std::nothrow_t&, Executor ex)
    noexcept {
        try {
            static_cast<erased_executor&>(*this) = from(std::move(ex));
        } catch (const std::bad_alloc&) {
        }
    }
    polymorphic_executor(const std::nothrow_t&, const Derived& other) noexcept : polymorphic_executor(other) {}

    template <class Property, class Item = typename Properties::template to_query<Property>>
        requires(!std::is_void_v<Item>)
    typename Item::polymorphic_query_result_type query(const Property& p) const { return ask(Item(p)); }

    template <class Property, class Item = typename Properties::template to_require<Property>>
        requires(!std::is_void_v<Item>)
    Derived require(const Property& p)
    const { return changed(Item(p)); }

    template <class Property, class Item = typename Properties::template to_prefer<Property>>
        requires(!std::is_void_v<Item>)
    Derived prefer(const Property& p)
    const { return changed(Item(p)); }

    void swap(Derived& other) noexcept { std::swap(static_cast<Derived&>(*this), other); }
    friend void swap(Derived& a, Derived& b) noexcept { a.swap(b); }

    // A member: a free one would be looked at for a user's executor that has this one as a template argument, and ask
    // whether that converts, and so whether it is an executor, and so whether it can be compared. With the base on both
    // sides, or else the two orders of a comparison would be equally good.
    bool operator==(const polymorphic_executor& other) const noexcept { return has_target_of(other); }

    using referring_type = Derived;

private:
    struct erased {};
    polymorphic_executor(erased, const erased_executor& ex) noexcept : erased_executor(ex) {}

    template <class Executor>
    static erased_executor from(Executor ex) {
        static_assert(execution::executor<Executor>, "a polymorphic executor: the target must have an operator==");
        if constexpr (std::derived_from<Executor, erased_executor>)
            return ex;
        else
            return erase<Properties>(std::move(ex));
    }
    template <class Item>
    typename Item::polymorphic_query_result_type ask(const Item& item) const {
        using result = typename Item::polymorphic_query_result_type;
        if constexpr (std::is_reference_v<result>) {
            std::remove_reference_t<result>* answer = nullptr;
            operations().query(*this, &property_name<Item>, &item, &answer);
            return static_cast<result>(*answer);
        } else {
            std::optional<result> answer;
            operations().query(*this, &property_name<Item>, &item, &answer);
            if (answer)
                return *std::move(answer);
            if constexpr (of_choice<Item>)
                return typename Item::usual_t();
            else
                return result();
        }
    }
    template <class Item>
    Derived changed(const Item& item) const {
        return Derived(erased(), operations().change(*this, &property_name<Item>, &item));
    }
};

}  // namespace rill::engine
