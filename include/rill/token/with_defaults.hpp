// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/token/as_default_on.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill {

/// The I/O object T with Token as its default one: any type that can be made of nothing, one's own too.
template <std::default_initializable Token, class T>
using with_defaults_t = typename engine::default_token<Token>::template as_default_on_t<T>;

/// Converts @p object to that: `auto timer = with_defaults<my_token>(steady_timer(context))`.
template <std::default_initializable Token, class T>
[[nodiscard]] with_defaults_t<Token, std::decay_t<T>> with_defaults(T&& object) {
    return engine::default_token<Token>::as_default_on(std::forward<T>(object));
}

}  // namespace rill
