// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

// What one may ask of an executor, and ask it to be. An executor takes part by member functions:
//
//   ex.query(property)    the property's value
//   ex.require(property)  the same executor, but with that value

namespace rill::execution {

/// query: the execution context that the executor belongs to.
struct context_t {};
inline constexpr context_t context{};

/// query: a value of one of the nested types. require, prefer: a nested type.
class blocking_t {
public:
    struct possibly_t {};  ///< execute() may run the function before it returns
    struct always_t {};    ///< execute() returns after the function has run
    struct never_t {};     ///< execute() returns first, or as if
    static constexpr possibly_t possibly{};
    static constexpr always_t always{};
    static constexpr never_t never{};

    constexpr blocking_t() noexcept = default;
    constexpr blocking_t(possibly_t) noexcept : value_(1) {}
    constexpr blocking_t(always_t) noexcept : value_(2) {}
    constexpr blocking_t(never_t) noexcept : value_(3) {}
    friend constexpr bool operator==(const blocking_t&, const blocking_t&) noexcept = default;

private:
    int value_ = 0;
};
inline constexpr blocking_t blocking{};

/// What the caller is to the function that it submits.
class relationship_t {
public:
    struct fork_t {};          ///< both go on
    struct continuation_t {};  ///< the function is the caller's next step
    static constexpr fork_t fork{};
    static constexpr continuation_t continuation{};

    constexpr relationship_t() noexcept = default;
    constexpr relationship_t(fork_t) noexcept : value_(1) {}
    constexpr relationship_t(continuation_t) noexcept : value_(2) {}
    friend constexpr bool operator==(const relationship_t&, const relationship_t&) noexcept = default;

private:
    int value_ = 0;
};
inline constexpr relationship_t relationship{};

/// Whether the executor's existence keeps its context at work.
class outstanding_work_t {
public:
    struct untracked_t {};
    struct tracked_t {};
    static constexpr untracked_t untracked{};
    static constexpr tracked_t tracked{};

    constexpr outstanding_work_t() noexcept = default;
    constexpr outstanding_work_t(untracked_t) noexcept : value_(1) {}
    constexpr outstanding_work_t(tracked_t) noexcept : value_(2) {}
    friend constexpr bool operator==(const outstanding_work_t&, const outstanding_work_t&) noexcept = default;

private:
    int value_ = 0;
};
inline constexpr outstanding_work_t outstanding_work{};

/// The allocator for what execute() has to store; `void`: not chosen.
template <class ProtoAllocator>
class allocator_t {
public:
    constexpr explicit allocator_t(const ProtoAllocator& a) noexcept : allocator_(a) {}
    constexpr const ProtoAllocator& value() const noexcept { return allocator_; }

private:
    RILL_NO_UNIQUE_ADDRESS ProtoAllocator allocator_;
};
template <>
class allocator_t<void> {
public:
    template <class ProtoAllocator>
    constexpr allocator_t<ProtoAllocator> operator()(const ProtoAllocator& a) const noexcept {
        return allocator_t<ProtoAllocator>(a);
    }
};
inline constexpr allocator_t<void> allocator{};

}  // namespace rill::execution

namespace rill {

/// Whether @p Executor can be asked for the value of @p Property.
template <class Executor, class Property>
concept queryable_for = requires(const Executor& ex, const Property& p) {
    ex.query(p);
};

/// Whether @p Executor can be made to have @p Property.
template <class Executor, class Property>
concept requirable_for = requires(const Executor& ex, const Property& p) {
    ex.require(p);
};

/// The value of a property.
struct query_fn {
    template <class Executor, class Property>
        requires queryable_for<Executor, Property>
    constexpr decltype(auto) operator()(const Executor& ex, const Property& p) const { return ex.query(p); }
};
inline constexpr query_fn query{};

/// @p ex with all of the properties; a compile error if it cannot have one.
struct require_fn {
    template <class Executor, class Property>
        requires requirable_for<Executor, Property>
    constexpr auto operator()(const Executor& ex, const Property& p) const { return ex.require(p); }
    template <class Executor, class First, class Second, class... More>
    constexpr auto operator()(const Executor& ex, const First& p, const Second& q, const More&... more) const {
        return (*this)((*this)(ex, p), q, more...);
    }
};
inline constexpr require_fn require{};

/// @p ex with those of the properties that it can have.
struct prefer_fn {
    template <class Executor, class Property>
    constexpr auto operator()(const Executor& ex, const Property& p) const {
        if constexpr (requirable_for<Executor, Property>)
            return ex.require(p);
        else
            return ex;
    }
    template <class Executor, class First, class Second, class... More>
    constexpr auto operator()(const Executor& ex, const First& p, const Second& q, const More&... more) const {
        return (*this)((*this)(ex, p), q, more...);
    }
};
inline constexpr prefer_fn prefer{};

}  // namespace rill
