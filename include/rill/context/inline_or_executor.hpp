// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>
#include <rill/execution/execution_context.hpp>
#include <rill/execution/executor.hpp>
#include <rill/execution/properties.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill {

/// Runs what is dispatched to it at once, in the caller's thread, whatever the inner executor would do; what is posted
/// or deferred goes to the inner executor. The functions must not mind the thread.
///
/// Properties: those of the inner executor, to which they are passed on. Functions run at once unless the inner
/// executor has been required never to block.
template <class InnerExecutor>
class inline_or_executor {
public:
    using inner_executor_type = InnerExecutor;

    inline_or_executor() noexcept requires std::default_initializable<InnerExecutor>
    = default;
    explicit inline_or_executor(const InnerExecutor& inner) noexcept : inner_(inner) {}

    /// Converted from one with another inner executor.
    template <std::convertible_to<InnerExecutor> Other>
        requires(!std::same_as<Other, InnerExecutor>)
    inline_or_executor(const inline_or_executor<Other>& other)
    noexcept : inner_(other.get_inner_executor()) {}

    inner_executor_type get_inner_executor() const noexcept { return inner_; }

    /// The inner executor's context.
    decltype(auto) context() const noexcept requires queryable_for<InnerExecutor, execution::context_t> {
        return query_fn()(inner_, execution::context);
    }

    template <class Function>
    void execute(Function&& f) const {
        if (never_blocks()) {
            inner_.execute(std::forward<Function>(f));
        } else {
            std::decay_t<Function> function(std::forward<Function>(f));
            std::move(function)();
        }
    }

    template <class Property>
        requires queryable_for<InnerExecutor, Property>
    decltype(auto) query(const Property& p) const { return query_fn()(inner_, p); }

    template <class Property>
        requires requirable_for<InnerExecutor, Property>
    auto require(const Property& p) const {
        auto inner = require_fn()(inner_, p);
        return inline_or_executor<decltype(inner)>(inner);
    }

    /// For an inner executor that may only be preferred to have it, as any_io_executor.
    template <class Property>
        requires(preferable_for<InnerExecutor, Property> && !requirable_for<InnerExecutor, Property>)
    auto prefer(const Property& p) const {
        auto inner = prefer_fn()(inner_, p);
        return inline_or_executor<decltype(inner)>(inner);
    }

    friend bool operator==(const inline_or_executor& a, const inline_or_executor& b) noexcept {
        return a.inner_ == b.inner_;
    }

private:
    bool never_blocks() const {
        if constexpr (queryable_for<InnerExecutor, execution::blocking_t>)
            return query_fn()(inner_, execution::blocking) == execution::blocking.never;
        else
            return false;
    }

    RILL_NO_UNIQUE_ADDRESS InnerExecutor inner_;
};

/// An executor that runs at once what is dispatched to it, and is @p inner for the rest.
template <execution::executor Executor>
[[nodiscard]] inline_or_executor<Executor> inline_or(const Executor& inner) noexcept {
    return inline_or_executor<Executor>(inner);
}
template <std::derived_from<execution_context> Context>
[[nodiscard]] auto inline_or(Context& context) noexcept {
    return inline_or_executor<typename Context::executor_type>(context.get_executor());
}

}  // namespace rill
