// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/execution_context.hpp>
#include <rill/execution/executor.hpp>
#include <rill/execution/properties.hpp>

#include <concepts>
#include <optional>
#include <utility>

namespace rill {

/// Keeps the executor's context at work, so that run() waits, until it is reset or dies. It may outlive the context.
template <execution::executor Executor>
class executor_work_guard {
public:
    using executor_type = Executor;

    explicit executor_work_guard(const Executor& ex) noexcept : executor_(ex), work_(track(ex)) {}
    executor_work_guard(const executor_work_guard&) = default;
    executor_work_guard(executor_work_guard&& other) noexcept
        : executor_(other.executor_), work_(std::move(other.work_)) {
        other.work_.reset();
    }
    executor_work_guard& operator=(const executor_work_guard&) = delete;

    executor_type get_executor() const noexcept { return executor_; }
    bool owns_work() const noexcept { return work_.has_value(); }
    void reset() noexcept { work_.reset(); }

private:
    static auto track(const Executor& ex) { return prefer(ex, execution::outstanding_work.tracked); }

    Executor executor_;
    std::optional<decltype(track(std::declval<const Executor&>()))> work_;
};

/// A guard of @p ex. token/make_work_guard.hpp has those of I/O objects and handlers.
template <execution::executor Executor>
[[nodiscard]] executor_work_guard<Executor> make_work_guard(const Executor& ex) {
    return executor_work_guard<Executor>(ex);
}

/// A guard of @p ctx's executor.
template <std::derived_from<execution_context> Context>
[[nodiscard]] executor_work_guard<typename Context::executor_type> make_work_guard(Context& ctx) {
    return executor_work_guard<typename Context::executor_type>(ctx.get_executor());
}

}  // namespace rill
