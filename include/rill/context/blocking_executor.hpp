// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/executor.hpp>
#include <rill/execution/gate.hpp>
#include <rill/execution/properties.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill {

/// An executor whose execute() returns when the function has run: what a loop's executor becomes with blocking.always.
/// On a thread of the context it runs the function at once.
///
/// A function that is destroyed, because its context is, ends the wait too.
template <execution::executor Executor>
class blocking_executor {
public:
    using context_type = typename Executor::context_type;

    explicit blocking_executor(Executor ex) noexcept : executor_(std::move(ex)) {}

    template <class Function>
    void execute(Function&& f) const;

    bool running_in_this_thread() const noexcept { return executor_.running_in_this_thread(); }
    context_type& context() const noexcept { return executor_.context(); }

    static constexpr execution::blocking_t query(execution::blocking_t) noexcept { return execution::blocking.always; }
    template <class Property>
        requires(!std::convertible_to<Property, execution::blocking_t> && queryable_for<Executor, Property>)
    decltype(auto) query(const Property& p) const noexcept { return query_fn()(executor_, p); }

    blocking_executor require(execution::blocking_t::always_t) const noexcept { return *this; }
    Executor require(execution::blocking_t::possibly_t p) const noexcept { return executor_.require(p); }
    Executor require(execution::blocking_t::never_t p) const noexcept { return executor_.require(p); }
    template <class Property>
        requires requirable_for<Executor, Property>
    auto require(const Property& p) const noexcept {
        return blocking_executor<decltype(require_fn()(executor_, p))>(require_fn()(executor_, p));
    }

    friend bool operator==(const blocking_executor&, const blocking_executor&) noexcept = default;

private:
    Executor executor_;
};

// Implementation

template <execution::executor Executor>
template <class Function>
void blocking_executor<Executor>::execute(Function&& f) const {
    std::decay_t<Function> function(std::forward<Function>(f));
    if (running_in_this_thread()) {
        std::move(function)();
        return;
    }
    engine::gate gate;
    executor_.require(execution::blocking.never)
        .execute(engine::awaited_function<std::decay_t<Function>>(function, gate));
    gate.wait();
}

}  // namespace rill
