// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/system_executor.hpp>
#include <rill/execution/executor.hpp>
#include <rill/execution/properties.hpp>

#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// The executor that an argument of async_compose() and the like stands for: itself, or that of the I/O object.
template <class T>
auto io_executor_of(T& object_or_executor) {
    if constexpr (execution::executor<T>)
        return object_or_executor;
    else
        return object_or_executor.get_executor();
}

/// The executors of the objects that a composed operation uses. The first one is where its steps run if the handler
/// does not say.
template <class... Executors>
class io_executors {
    template <class Executor>
    using tracked = decltype(prefer(std::declval<const Executor&>(), execution::outstanding_work.tracked));

public:
    using first = std::tuple_element_t<0, std::tuple<Executors..., system_executor>>;

    /// While it lives, all their contexts are kept at work.
    using work = std::tuple<tracked<Executors>...>;

    template <class... T>
    explicit io_executors(std::in_place_t, T&... objects_or_executors)
        : executors_(io_executor_of(objects_or_executors)...) {}

    first get_executor() const noexcept {
        if constexpr (sizeof...(Executors) == 0)
            return first();
        else
            return std::get<0>(executors_);
    }

    work track() const {
        return std::apply(
            [](const Executors&... ex) { return work(prefer(ex, execution::outstanding_work.tracked)...); },
            executors_);
    }

private:
    std::tuple<Executors...> executors_;
};

template <class... T>
using io_executors_of = io_executors<decltype(io_executor_of(std::declval<T&>()))...>;

}  // namespace rill::engine
