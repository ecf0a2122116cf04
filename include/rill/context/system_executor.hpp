// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/system_context.hpp>
#include <rill/execution/loop_reference.hpp>
#include <rill/execution/properties.hpp>

#include <memory>

namespace rill {

/// Runs functions anywhere: at once in the caller's thread, or, required never to block, on system_context's threads.
/// It is the associated executor of whatever names none.
///
/// Properties: context, blocking (possibly, never), relationship, outstanding_work (it has no work to track).
class system_executor {
public:
    constexpr system_executor() noexcept = default;

    template <class Function>
    void execute(Function&& f) const {
        if (never_blocks_) {
            system_context::instance().loop().post(
                engine::make_posted_function(std::forward<Function>(f), std::allocator<void>()));
        } else {
            std::decay_t<Function> function(std::forward<Function>(f));
            std::move(function)();
        }
    }

    system_context& query(execution::context_t) const { return system_context::instance(); }
    system_context& context() const { return system_context::instance(); }
    execution::blocking_t query(execution::blocking_t) const noexcept {
        return never_blocks_ ? execution::blocking_t(execution::blocking.never)
                             : execution::blocking_t(execution::blocking.possibly);
    }
    static constexpr execution::relationship_t query(execution::relationship_t) noexcept {
        return execution::relationship.fork;
    }
    static constexpr execution::outstanding_work_t query(execution::outstanding_work_t) noexcept {
        return execution::outstanding_work.untracked;
    }

    constexpr system_executor require(execution::blocking_t::possibly_t) const noexcept {
        return system_executor(false);
    }
    constexpr system_executor require(execution::blocking_t::never_t) const noexcept { return system_executor(true); }
    constexpr system_executor require(execution::relationship_t::fork_t) const noexcept { return *this; }
    constexpr system_executor require(execution::relationship_t::continuation_t) const noexcept { return *this; }
    constexpr system_executor require(execution::outstanding_work_t::tracked_t) const noexcept { return *this; }
    constexpr system_executor require(execution::outstanding_work_t::untracked_t) const noexcept { return *this; }

    friend constexpr bool operator==(const system_executor&, const system_executor&) noexcept = default;

private:
    explicit constexpr system_executor(bool never_blocks) noexcept : never_blocks_(never_blocks) {}

    bool never_blocks_ = false;
};

inline system_executor system_context::get_executor() noexcept { return system_executor(); }

}  // namespace rill
