// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_SYSTEM(socket_constants.hpp)

#include <cstddef>

// The commands that io_control() takes.

namespace rill::engine::io_control {

/// How many bytes can be read without blocking.
class bytes_readable {
public:
    constexpr bytes_readable() noexcept = default;
    constexpr explicit bytes_readable(std::size_t value) noexcept : value_(static_cast<int>(value)) {}

    constexpr std::size_t get() const noexcept { return static_cast<std::size_t>(value_); }
    constexpr void set(std::size_t value) noexcept { value_ = static_cast<int>(value); }

    static constexpr int name() noexcept { return socket_constant::bytes_readable_command; }
    constexpr int* data() noexcept { return &value_; }

private:
    int value_ = 0;
};

}  // namespace rill::engine::io_control
