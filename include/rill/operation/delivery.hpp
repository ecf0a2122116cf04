// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/scheduler/loop.hpp>
#include <rill/execution/loop_reference.hpp>
#include <rill/execution/owned_task.hpp>
#include <rill/execution/properties.hpp>
#include <rill/token/associated_executor.hpp>

#include <optional>
#include <utility>

namespace rill::engine {

/// The loop on whose thread functions of @p ex may run as they come; null if it is not that simple.
template <class Executor>
loop* plain_loop(const Executor& ex) noexcept {
    if constexpr (refers_to_loop<Executor>)
        return ex.reference().plain();
    else
        return nullptr;
}

/// Where a handler runs: straight on the loop's thread, if that is what its associated executor means; else through
/// that executor, whose context is kept at work until then.
template <class Executor>
class delivery_route {
    using tracked = decltype(prefer(std::declval<const Executor&>(), execution::outstanding_work.tracked));

public:
    RILL_INLINE delivery_route(loop& l, const Executor& ex) {
        if (plain_loop(ex) != &l) [[unlikely]]
            lead_elsewhere(ex);
    }

    bool leads_elsewhere() const noexcept { return elsewhere_.has_value(); }

    /// Submits @p t where the route leads: it runs, or is destroyed, there.
    RILL_COLD void submit(task& t) {
        tracked ex(std::move(*elsewhere_));  // the task may be gone before execute() returns
        prefer(ex, execution::blocking.possibly).execute(owned_task(t));
    }

private:
    RILL_COLD void lead_elsewhere(const Executor& ex) {
        elsewhere_.emplace(prefer(ex, execution::outstanding_work.tracked));
    }

    std::optional<tracked> elsewhere_;
};

}  // namespace rill::engine
