// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>

/// What stands for an operation's results in std::bind(): `std::bind(&session::on_read, this, placeholders::error,
/// placeholders::bytes_transferred)`. They are std::placeholders by the names of what comes there.
namespace rill::placeholders {

inline constexpr auto& error = std::placeholders::_1;

inline constexpr auto& bytes_transferred = std::placeholders::_2;
/// Of async_connect() with a range, and with iterators.
inline constexpr auto& endpoint = std::placeholders::_2;
inline constexpr auto& iterator = std::placeholders::_2;
inline constexpr auto& results = std::placeholders::_2;
inline constexpr auto& signal_number = std::placeholders::_2;

}  // namespace rill::placeholders
