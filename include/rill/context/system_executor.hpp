// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/forward.hpp>
#include <rill/context/system_context.hpp>
#include <rill/execution/inline_exception_handling.hpp>
#include <rill/execution/mapping.hpp>
#include <rill/execution/occupancy.hpp>
#include <rill/execution/owned_task.hpp>
#include <rill/execution/posted_function.hpp>
#include <rill/execution/properties.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace rill {

/// Runs functions anywhere: at once in the caller's thread, or, required never to block, on system_context's threads.
/// As system_executor it is the associated executor of whatever names none.
///
/// Properties: context, blocking, relationship (of no effect), allocator, occupancy; mapping.thread,
/// inline_exception_handling.propagate. It has no work to track.
template <class Blocking, class Relationship, class Allocator>
class basic_system_executor {
    static constexpr bool never_blocks = std::is_same_v<Blocking, execution::blocking_t::never_t>;
    template <class OtherBlocking>
    using with_blocking = basic_system_executor<OtherBlocking, Relationship, Allocator>;
    template <class OtherRelationship>
    using with_relationship = basic_system_executor<Blocking, OtherRelationship, Allocator>;
    template <class OtherAllocator>
    using with_allocator = basic_system_executor<Blocking, Relationship, OtherAllocator>;

public:
    constexpr basic_system_executor() noexcept = default;
    constexpr explicit basic_system_executor(const Allocator& a) noexcept : allocator_(a) {}

    template <class Function>
    void execute(Function&& f) const {
        if constexpr (never_blocks) {
            system_context::instance().loop().post(engine::make_posted_function(std::forward<Function>(f), allocator_));
        } else {
            std::decay_t<Function> function(std::forward<Function>(f));
            std::move(function)();
        }
    }
    /// A task needs no wrapping.
    void execute(engine::owned_task&& t) const {
        if constexpr (never_blocks)
            system_context::instance().loop().post(t.release());
        else
            t();
    }

    static system_context& query(execution::context_t) { return system_context::instance(); }
    static constexpr execution::blocking_t query(execution::blocking_t) noexcept { return Blocking(); }
    static constexpr execution::relationship_t query(execution::relationship_t) noexcept { return Relationship(); }
    static constexpr execution::mapping_t query(execution::mapping_t) noexcept { return execution::mapping.thread; }
    static constexpr execution::inline_exception_handling_t query(execution::inline_exception_handling_t) noexcept {
        return execution::inline_exception_handling.propagate;
    }
    static std::size_t query(execution::occupancy_t) { return system_context::instance().threads_.count(); }
    template <class A>
    constexpr Allocator query(execution::allocator_t<A>) const noexcept {
        return allocator_;
    }
    static system_context& context() { return system_context::instance(); }

    constexpr auto require(execution::blocking_t::possibly_t) const noexcept {
        return with_blocking<execution::blocking_t::possibly_t>(allocator_);
    }
    constexpr auto require(execution::blocking_t::always_t) const noexcept {
        return with_blocking<execution::blocking_t::always_t>(allocator_);
    }
    constexpr auto require(execution::blocking_t::never_t) const noexcept {
        return with_blocking<execution::blocking_t::never_t>(allocator_);
    }
    constexpr auto require(execution::relationship_t::fork_t) const noexcept {
        return with_relationship<execution::relationship_t::fork_t>(allocator_);
    }
    constexpr auto require(execution::relationship_t::continuation_t) const noexcept {
        return with_relationship<execution::relationship_t::continuation_t>(allocator_);
    }
    template <class A>
    constexpr auto require(const execution::allocator_t<A>& a) const noexcept {
        return with_allocator<A>(a.value());
    }
    constexpr auto require(execution::allocator_t<void>) const noexcept {
        return with_allocator<std::allocator<void>>();
    }

    friend constexpr bool operator==(const basic_system_executor& a, const basic_system_executor& b) noexcept {
        return a.allocator_ == b.allocator_;
    }

private:
    RILL_NO_UNIQUE_ADDRESS Allocator allocator_;
};

inline system_executor system_context::get_executor() noexcept { return system_executor(); }

}  // namespace rill
