// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace rill {

/// What a cancelled operation may have done. An operation accepts a request for any of the guarantees that it gives.
enum class cancellation_type : unsigned {
    none = 0,
    terminal = 1,  ///< anything: the object is only fit to be closed
    partial = 2,   ///< something, and the result says what
    total = 4,     ///< nothing that anyone can see
    all = 0xFFFFFFFF,
};

using cancellation_type_t = cancellation_type;

constexpr cancellation_type operator&(cancellation_type a, cancellation_type b) noexcept {
    return static_cast<cancellation_type>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
constexpr cancellation_type operator|(cancellation_type a, cancellation_type b) noexcept {
    return static_cast<cancellation_type>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr cancellation_type operator^(cancellation_type a, cancellation_type b) noexcept {
    return static_cast<cancellation_type>(static_cast<unsigned>(a) ^ static_cast<unsigned>(b));
}
constexpr cancellation_type operator~(cancellation_type a) noexcept {
    return static_cast<cancellation_type>(~static_cast<unsigned>(a));
}
constexpr cancellation_type& operator&=(cancellation_type& a, cancellation_type b) noexcept { return a = a & b; }
constexpr cancellation_type& operator|=(cancellation_type& a, cancellation_type b) noexcept { return a = a | b; }
constexpr cancellation_type& operator^=(cancellation_type& a, cancellation_type b) noexcept { return a = a ^ b; }

/// Whether @p type asks for any of the three guarantees.
constexpr bool operator!(cancellation_type type) noexcept { return type == cancellation_type::none; }

}  // namespace rill
