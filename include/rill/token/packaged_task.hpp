// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/async_result.hpp>

#include <concepts>
#include <future>
#include <utility>

namespace rill {

/// A std::packaged_task as a token: it is called with the operation's results, and the initiating function returns its
/// future. std::future_errc::broken_promise: the operation was destroyed without having completed.
template <class Result, class... TaskArgs, class... Results, bool Noexcept>
class async_result<std::packaged_task<Result(TaskArgs...)>, void(Results...) noexcept(Noexcept)> {
    using task = std::packaged_task<Result(TaskArgs...)>;

public:
    template <class Initiation, class... Args>
        requires(std::invocable<task, Results...>)
    static std::future<Result> initiate(Initiation&& initiation, task token, Args&&... args) {
        std::future<Result> future = token.get_future();
        std::forward<Initiation>(initiation)(std::move(token), std::forward<Args>(args)...);
        return future;
    }
};

}  // namespace rill
