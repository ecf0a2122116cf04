// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/inline_exception_handling.hpp>
#include <rill/execution/mapping.hpp>
#include <rill/execution/properties.hpp>

#include <type_traits>
#include <utility>

namespace rill {

/// Runs functions at once, in the thread that submits them, and lets through what they throw. Associated with a handler
/// it saves the way to another executor: the handler runs wherever its operation happens to complete.
///
/// It can be dispatched to, but not posted to: it cannot be required never to block.
///
/// Properties: blocking (always), relationship (fork), outstanding_work (it has no work to track), mapping (thread),
/// inline_exception_handling (propagate).
class inline_executor {
public:
    constexpr inline_executor() noexcept = default;

    template <class Function>
    void execute(Function&& f) const {
        std::decay_t<Function> function(std::forward<Function>(f));
        std::move(function)();
    }

    static constexpr execution::blocking_t query(execution::blocking_t) noexcept { return execution::blocking.always; }
    static constexpr execution::relationship_t query(execution::relationship_t) noexcept {
        return execution::relationship.fork;
    }
    static constexpr execution::outstanding_work_t query(execution::outstanding_work_t) noexcept {
        return execution::outstanding_work.untracked;
    }

    static constexpr execution::mapping_t query(execution::mapping_t) noexcept { return execution::mapping.thread; }
    static constexpr execution::inline_exception_handling_t query(execution::inline_exception_handling_t) noexcept {
        return execution::inline_exception_handling.propagate;
    }

    constexpr inline_executor require(execution::blocking_t::always_t) const noexcept { return *this; }
    constexpr inline_executor require(execution::relationship_t::fork_t) const noexcept { return *this; }
    constexpr inline_executor require(execution::outstanding_work_t::untracked_t) const noexcept { return *this; }

    friend constexpr bool operator==(const inline_executor&, const inline_executor&) noexcept = default;
};

}  // namespace rill
