// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/scheduler/operation_memory.hpp>
#include <rill/execution/properties.hpp>
#include <rill/token/associated_allocator.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/associated_immediate_executor.hpp>

#include <tuple>
#include <type_traits>
#include <utility>

namespace rill::engine {

/// A handler on its way, with its arguments.
template <class Handler, class... Args>
struct completed_handler {
    Handler handler;
    std::tuple<Args...> args;

    void operator()() { std::apply(std::move(handler), std::move(args)); }
};

/// Calls a handler whose operation was done before its initiating function returned: after that, on the handler's
/// executor, or through its immediate executor if it has one.
template <class Handler, class IoExecutor, class... Args>
void deliver_at_once(Handler&& handler, const IoExecutor& io, Args&&... args) {
    using completed = completed_handler<Handler, std::decay_t<Args>...>;
    static_assert(!std::is_reference_v<Handler>);
    const auto deliver_on = [&](const auto& ex) {
        auto allocator = get_associated_allocator(handler);
        completed c{std::move(handler), std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...)};
        if constexpr (is_default_allocator<decltype(allocator)>)
            ex.execute(std::move(c));
        else
            prefer(ex, execution::allocator(allocator)).execute(std::move(c));
    };
    if constexpr (has_associated_immediate_executor<Handler>)
        deliver_on(get_associated_immediate_executor(handler, io));
    else
        deliver_on(prefer(get_associated_executor(handler, io), execution::blocking.never));
}

/// Whether a handler with this signature may be given such arguments.
template <class Signature, class... Args>
inline constexpr bool signature_takes = std::is_invocable_v<Signature*, Args...>;

}  // namespace rill::engine
