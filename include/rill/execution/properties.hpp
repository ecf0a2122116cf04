// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>
#include <rill/execution/choice.hpp>
#include <rill/execution/property.hpp>

#include <any>

// The properties that every executor of the library has; property.hpp says how they are asked. Others have headers of
// their own: blocking_adaptation, context_as, inline_exception_handling, mapping, occupancy, prefer_only.

namespace rill::execution {

/// Whether execute() waits for the function.
class blocking_t : public engine::choice<blocking_t> {
public:
    /// execute() may run the function before it returns.
    struct possibly_t : engine::choice_value<blocking_t, possibly_t> {};
    /// execute() returns after the function has run.
    struct always_t : engine::choice_value<blocking_t, always_t> {
        static constexpr bool is_preferable = false;
    };
    /// execute() returns first, or as if.
    struct never_t : engine::choice_value<blocking_t, never_t> {};
    static constexpr possibly_t possibly{};
    static constexpr always_t always{};
    static constexpr never_t never{};

    using usual_t = possibly_t;
    template <class Executor>
    using answered = engine::first_answered<Executor, blocking_t, possibly_t, always_t, never_t>;

    constexpr blocking_t() noexcept = default;
    constexpr blocking_t(possibly_t) noexcept : value_(1) {}
    constexpr blocking_t(always_t) noexcept : value_(2) {}
    constexpr blocking_t(never_t) noexcept : value_(3) {}
    friend constexpr bool operator==(const blocking_t& a, const blocking_t& b) noexcept { return a.value_ == b.value_; }

private:
    int value_ = 0;
};
inline constexpr blocking_t blocking{};

/// What the caller is to the function that it submits.
class relationship_t : public engine::choice<relationship_t> {
public:
    /// Both go on.
    struct fork_t : engine::choice_value<relationship_t, fork_t> {};
    /// The function is the caller's next step.
    struct continuation_t : engine::choice_value<relationship_t, continuation_t> {};
    static constexpr fork_t fork{};
    static constexpr continuation_t continuation{};

    using usual_t = fork_t;
    template <class Executor>
    using answered = engine::first_answered<Executor, relationship_t, fork_t, continuation_t>;

    constexpr relationship_t() noexcept = default;
    constexpr relationship_t(fork_t) noexcept : value_(1) {}
    constexpr relationship_t(continuation_t) noexcept : value_(2) {}
    friend constexpr bool operator==(const relationship_t& a, const relationship_t& b) noexcept {
        return a.value_ == b.value_;
    }

private:
    int value_ = 0;
};
inline constexpr relationship_t relationship{};

/// Whether the executor's existence keeps its context at work.
class outstanding_work_t : public engine::choice<outstanding_work_t> {
public:
    struct untracked_t : engine::choice_value<outstanding_work_t, untracked_t> {};
    struct tracked_t : engine::choice_value<outstanding_work_t, tracked_t> {};
    static constexpr untracked_t untracked{};
    static constexpr tracked_t tracked{};

    using usual_t = untracked_t;
    template <class Executor>
    using answered = engine::first_answered<Executor, outstanding_work_t, untracked_t, tracked_t>;

    constexpr outstanding_work_t() noexcept = default;
    constexpr outstanding_work_t(untracked_t) noexcept : value_(1) {}
    constexpr outstanding_work_t(tracked_t) noexcept : value_(2) {}
    friend constexpr bool operator==(const outstanding_work_t& a, const outstanding_work_t& b) noexcept {
        return a.value_ == b.value_;
    }

private:
    int value_ = 0;
};
inline constexpr outstanding_work_t outstanding_work{};

/// The execution context that the executor belongs to.
struct context_t {
    template <class T>
    static constexpr bool is_applicable_property_v = function_runner<T>;
    static constexpr bool is_requirable = false;
    static constexpr bool is_preferable = false;
    using polymorphic_query_result_type = std::any;  // of a pointer to the context
};
inline constexpr context_t context{};

/// The allocator for what execute() has to store; `void`: the default one.
template <class ProtoAllocator>
class allocator_t {
public:
    template <class T>
    static constexpr bool is_applicable_property_v = function_runner<T>;
    static constexpr bool is_requirable = true;
    static constexpr bool is_preferable = true;

    constexpr explicit allocator_t(const ProtoAllocator& a) noexcept : allocator_(a) {}
    constexpr const ProtoAllocator& value() const noexcept { return allocator_; }

private:
    RILL_NO_UNIQUE_ADDRESS ProtoAllocator allocator_;
};
template <>
class allocator_t<void> {
public:
    template <class T>
    static constexpr bool is_applicable_property_v = function_runner<T>;
    static constexpr bool is_requirable = true;
    static constexpr bool is_preferable = true;

    template <class ProtoAllocator>
    constexpr allocator_t<ProtoAllocator> operator()(const ProtoAllocator& a) const noexcept {
        return allocator_t<ProtoAllocator>(a);
    }
};
inline constexpr allocator_t<void> allocator{};

}  // namespace rill::execution
