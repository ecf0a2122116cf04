// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/scheduler/loop.hpp>
#include <rill/execution/owned_task.hpp>
#include <rill/execution/posted_function.hpp>
#include <rill/execution/properties.hpp>

#include <concepts>
#include <cstdint>

namespace rill::engine {

/// A loop, and how functions are submitted to it, in one word: what an executor of a loop is made of.
class loop_reference {
public:
    constexpr loop_reference() noexcept = default;
    explicit loop_reference(loop& l) noexcept : word_(reinterpret_cast<std::uintptr_t>(&l)) {}

    explicit operator bool() const noexcept { return word_ != 0; }
    loop& get() const noexcept { return *reinterpret_cast<loop*>(word_ & ~flags); }

    bool never_blocks() const noexcept { return (word_ & never) != 0; }
    bool is_continuation() const noexcept { return (word_ & continuation) != 0; }

    /// The loop, if functions may be run on its thread as they come; else null.
    loop* plain() const noexcept { return (word_ & never) == 0 ? reinterpret_cast<loop*>(word_ & ~flags) : nullptr; }

    loop_reference with(execution::blocking_t::possibly_t) const noexcept { return loop_reference(word_ & ~never); }
    loop_reference with(execution::blocking_t::never_t) const noexcept { return loop_reference(word_ | never); }
    loop_reference with(execution::relationship_t::fork_t) const noexcept {
        return loop_reference(word_ & ~continuation);
    }
    loop_reference with(execution::relationship_t::continuation_t) const noexcept {
        return loop_reference(word_ | continuation);
    }

    execution::blocking_t query(execution::blocking_t) const noexcept {
        return never_blocks() ? execution::blocking_t(execution::blocking.never)
                              : execution::blocking_t(execution::blocking.possibly);
    }
    execution::relationship_t query(execution::relationship_t) const noexcept {
        return is_continuation() ? execution::relationship_t(execution::relationship.continuation)
                                 : execution::relationship_t(execution::relationship.fork);
    }

    template <class Function, class Allocator>
    RILL_INLINE void execute(Function&& f, const Allocator& allocator) const {
        loop& l = get();
        if (!never_blocks() && l.runs_here()) {
            std::decay_t<Function> function(std::forward<Function>(f));
            std::move(function)();
            return;
        }
        l.post(make_posted_function(std::forward<Function>(f), allocator));
    }

    /// A task needs no wrapping.
    void execute(owned_task&& t) const {
        loop& l = get();
        if (!never_blocks() && l.runs_here())
            t();
        else
            l.post(t.release());
    }

    friend constexpr bool operator==(loop_reference, loop_reference) noexcept = default;

private:
    static constexpr std::uintptr_t never = 1;
    static constexpr std::uintptr_t continuation = 2;
    static constexpr std::uintptr_t flags = never | continuation;

    explicit constexpr loop_reference(std::uintptr_t word) noexcept : word_(word) {}

    std::uintptr_t word_ = 0;
};

/// An executor that is a loop_reference and no more, and says so. A user's class that derives from one does not: its
/// execute() may do more.
template <class Executor>
concept refers_to_loop = requires(const Executor& ex) {
    { ex.reference() } -> std::same_as<loop_reference>;
    requires std::same_as<typename Executor::referring_type, Executor>;
};

}  // namespace rill::engine
