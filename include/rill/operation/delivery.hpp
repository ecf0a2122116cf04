// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/scheduler/loop.hpp>
#include <rill/execution/owned_task.hpp>
#include <rill/execution/properties.hpp>
#include <rill/token/associated_executor.hpp>

#include <optional>
#include <utility>

namespace rill::engine {

/// The loop on whose thread functions of @p ex may run as they come; null if it is not that simple.
template <class Executor>
loop* plain_loop(const Executor& ex) noexcept {
    if constexpr (requires { ex.reference(); })
        return ex.reference().plain();
    else
        return nullptr;
}

/// Where a handler runs: straight on the loop's thread, if that is what its associated executor means; else through
/// that executor, whose context is kept at work until then.
template <class Handler, class IoExecutor>
class delivery_route {
    using executor = associated_executor_t<Handler, IoExecutor>;
    using tracked = decltype(prefer(std::declval<const executor&>(), execution::outstanding_work.tracked));

public:
    delivery_route(loop& l, const Handler& handler, const IoExecutor& io_executor) {
        const executor& ex = get_associated_executor(handler, io_executor);
        if (plain_loop(ex) != &l)
            elsewhere_.emplace(prefer(ex, execution::outstanding_work.tracked));
    }

    bool leads_elsewhere() const noexcept { return elsewhere_.has_value(); }

    /// Submits @p t where the route leads: it runs, or is destroyed, there.
    void submit(task& t) {
        tracked ex(std::move(*elsewhere_));  // the task may be gone before execute() returns
        prefer(ex, execution::blocking.possibly).execute(owned_task(t));
    }

private:
    std::optional<tracked> elsewhere_;
};

}  // namespace rill::engine
