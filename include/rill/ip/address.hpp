// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>
#include <rill/ip/address_v4.hpp>
#include <rill/ip/address_v6.hpp>
#include <rill/ip/bad_address_cast.hpp>

#include <compare>
#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>

namespace rill::ip {

/// An IP address of either version. Every version 4 address is less than every version 6 address.
class address {
public:
    /// 0.0.0.0
    constexpr address() noexcept = default;
    constexpr address(const address_v4& v4) noexcept : v4_(v4) {}
    constexpr address(const address_v6& v6) noexcept : is_v6_(true), v6_(v6) {}

    constexpr bool is_v4() const noexcept { return !is_v6_; }
    constexpr bool is_v6() const noexcept { return is_v6_; }

    /// Throws    bad_address_cast
    constexpr address_v4 to_v4() const { return is_v6_ ? throw bad_address_cast() : v4_; }

    /// Throws    bad_address_cast
    constexpr address_v6 to_v6() const { return is_v6_ ? v6_ : throw bad_address_cast(); }

    std::string to_string() const { return is_v6_ ? v6_.to_string() : v4_.to_string(); }

    constexpr bool is_loopback() const noexcept { return is_v6_ ? v6_.is_loopback() : v4_.is_loopback(); }
    constexpr bool is_unspecified() const noexcept { return is_v6_ ? v6_.is_unspecified() : v4_.is_unspecified(); }
    constexpr bool is_multicast() const noexcept { return is_v6_ ? v6_.is_multicast() : v4_.is_multicast(); }

    friend constexpr bool operator==(const address&, const address&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(const address&, const address&) noexcept = default;

private:
    bool is_v6_ = false;
    address_v4 v4_;  // 0.0.0.0 if is_v6_
    address_v6 v6_;  // :: unless is_v6_
};

/// The address that @p text writes in the form of either version.
///
/// Errors    invalid_argument
RILL_DECL address make_address(std::string_view text, error_code& ec) noexcept;

/// Throws    system_error
RILL_DECL address make_address(std::string_view text);

template <class Char, class Traits>
std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& stream, const address& address) {
    return stream << address.to_string().c_str();
}

}  // namespace rill::ip

template <>
struct std::hash<rill::ip::address> {
    std::size_t operator()(const rill::ip::address& address) const noexcept {
        return address.is_v6() ? std::hash<rill::ip::address_v6>()(address.to_v6())
                               : std::hash<rill::ip::address_v4>()(address.to_v4());
    }
};

#include RILL_BODY(address.ipp)
