// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/as_default_on.hpp>
#include <rill/token/async_result.hpp>

#include <utility>

namespace rill {

/// The token of an operation whose outcome nobody wants to know.
struct detached_t : engine::default_token<detached_t> {
    constexpr detached_t() noexcept = default;
};
inline constexpr detached_t detached{};

}  // namespace rill

namespace rill::engine {

struct detached_handler {
    template <class... Args>
    void operator()(Args&&...) const noexcept {}
};

}  // namespace rill::engine

namespace rill {

template <completion_signature... Signatures>
class async_result<detached_t, Signatures...> {
public:
    using completion_handler_type = engine::detached_handler;

    template <class Initiation, class... Args>
    static void initiate(Initiation&& initiation, detached_t, Args&&... args) {
        std::forward<Initiation>(initiation)(engine::detached_handler(), std::forward<Args>(args)...);
    }
};

}  // namespace rill
