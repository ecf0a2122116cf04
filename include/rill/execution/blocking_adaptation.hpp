// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/gate.hpp>
#include <rill/execution/properties.hpp>

#include <type_traits>
#include <utility>

namespace rill::engine {

template <class Executor>
class adaptable_executor;

}  // namespace rill::engine

namespace rill::execution {

/// Whether the executor may be adapted, to block the caller where it cannot do so itself:
///
///   require(ex, execution::blocking_adaptation.allowed, execution::blocking.always)
///
/// blocks for any ex until the function has run, or was dropped. Not from a thread that ex needs to run it.
class blocking_adaptation_t : public engine::choice<blocking_adaptation_t> {
public:
    struct disallowed_t : engine::choice_value<blocking_adaptation_t, disallowed_t> {};
    struct allowed_t : engine::choice_value<blocking_adaptation_t, allowed_t> {
        static constexpr bool is_preferable = false;

        /// Any executor can be adapted.
        template <executor Executor>
        friend constexpr auto require(const Executor& ex, const allowed_t&) noexcept {
            return engine::adaptable_executor<Executor>(ex);
        }
    };
    static constexpr disallowed_t disallowed{};
    static constexpr allowed_t allowed{};

    using usual_t = disallowed_t;
    template <class Executor>
    using answered = engine::first_answered<Executor, blocking_adaptation_t, disallowed_t, allowed_t>;

    constexpr blocking_adaptation_t() noexcept = default;
    constexpr blocking_adaptation_t(disallowed_t) noexcept : value_(1) {}
    constexpr blocking_adaptation_t(allowed_t) noexcept : value_(2) {}
    friend constexpr bool operator==(const blocking_adaptation_t& a, const blocking_adaptation_t& b) noexcept {
        return a.value_ == b.value_;
    }

private:
    int value_ = 0;
};
inline constexpr blocking_adaptation_t blocking_adaptation{};

}  // namespace rill::execution

namespace rill::engine {

/// An executor whose execute() waits, whatever that of @p Executor does.
template <class Executor>
class blocking_executor {
public:
    explicit constexpr blocking_executor(const Executor& ex) noexcept : executor_(ex) {}

    template <class Function>
    void execute(Function&& f) const {
        std::decay_t<Function> function(std::forward<Function>(f));
        gate g;
        executor_.execute(awaited_function<std::decay_t<Function>>(function, g));
        g.wait();
    }

    static constexpr execution::blocking_t query(execution::blocking_t) noexcept { return execution::blocking.always; }
    template <class Property>
        requires(!std::is_convertible_v<Property, execution::blocking_t> && queryable_for<Executor, Property>)
    constexpr decltype(auto) query(const Property& p) const noexcept(is_nothrow_query_v<Executor, Property>) {
        return query_fn()(executor_, p);
    }

    /// To have another way of blocking is not to be adapted any more.
    template <class Property>
        requires requirable_for<Executor, Property>
    constexpr auto require(const Property& p) const noexcept(is_nothrow_require_v<Executor, Property>) {
        auto required = require_fn()(executor_, p);
        if constexpr (std::is_convertible_v<Property, execution::blocking_t>)
            return required;
        else
            return blocking_executor<decltype(required)>(required);
    }

    friend constexpr bool operator==(const blocking_executor& a, const blocking_executor& b) noexcept {
        return a.executor_ == b.executor_;
    }

private:
    Executor executor_;
};

/// An @p Executor that may be made to block.
template <class Executor>
class adaptable_executor {
public:
    explicit constexpr adaptable_executor(const Executor& ex) noexcept : executor_(ex) {}

    template <class Function>
    void execute(Function&& f) const {
        executor_.execute(std::forward<Function>(f));
    }

    static constexpr execution::blocking_adaptation_t query(execution::blocking_adaptation_t) noexcept {
        return execution::blocking_adaptation.allowed;
    }
    template <class Property>
        requires(!std::is_convertible_v<Property, execution::blocking_adaptation_t> &&
                 queryable_for<Executor, Property>)
    constexpr decltype(auto) query(const Property& p) const noexcept(is_nothrow_query_v<Executor, Property>) {
        return query_fn()(executor_, p);
    }

    constexpr Executor require(execution::blocking_adaptation_t::disallowed_t) const noexcept { return executor_; }
    constexpr auto require(execution::blocking_t::always_t p) const noexcept {
        if constexpr (requirable_for<Executor, execution::blocking_t::always_t>)
            return adaptable_executor<require_result_t<Executor, execution::blocking_t::always_t>>(
                require_fn()(executor_, p));
        else
            return adaptable_executor<blocking_executor<Executor>>(blocking_executor<Executor>(executor_));
    }
    template <class Property>
        requires requirable_for<Executor, Property>
    constexpr auto require(const Property& p) const noexcept(is_nothrow_require_v<Executor, Property>) {
        auto required = require_fn()(executor_, p);
        return adaptable_executor<decltype(required)>(required);
    }

    friend constexpr bool operator==(const adaptable_executor& a, const adaptable_executor& b) noexcept {
        return a.executor_ == b.executor_;
    }

private:
    Executor executor_;
};

}  // namespace rill::engine
