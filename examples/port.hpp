// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the examples make of their arguments.

#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

/// The argument at @p position as a port; @p otherwise if there is none.
inline std::uint16_t port_argument(int argc, char* argv[], int position, std::uint16_t otherwise) {
    if (argc <= position)
        return otherwise;
    std::string_view text(argv[position]);
    std::uint16_t port = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size())
        throw std::invalid_argument("'" + std::string(text) + "' is not a port: a number from 0 to 65535 is");
    return port;
}
