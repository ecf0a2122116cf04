// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>
#include <rill/ip/address_v4.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace rill::ip {

/// An IP version 6 address, with the zone it is valid in.
class address_v6 {
public:
    using scope_id_type = std::uint_least32_t;
    using bytes_type = std::array<unsigned char, 16>;

    /// ::
    constexpr address_v6() noexcept = default;

    /// From the bytes in the order they are written. The scope is that of an interface; 0 is none.
    constexpr explicit address_v6(const bytes_type& bytes, scope_id_type scope_id = 0) noexcept
        : bytes_(bytes), scope_id_(scope_id) {}

    constexpr bytes_type to_bytes() const noexcept { return bytes_; }

    constexpr scope_id_type scope_id() const noexcept { return scope_id_; }
    constexpr void scope_id(scope_id_type id) noexcept { scope_id_ = id; }

    /// In the canonical form: "fe80::1%eth0", "::ffff:1.2.3.4". A scope is written as the name of the interface if
    /// the address is link-local and the interface is there, as a number otherwise.
    ///
    /// Source    RFC 5952, RFC 4007 section 11
    std::string to_string() const;

    constexpr bool is_unspecified() const noexcept { return starts_with_zeros(16); }
    constexpr bool is_loopback() const noexcept { return starts_with_zeros(15) && bytes_[15] == 1; }
    constexpr bool is_link_local() const noexcept { return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80; }
    constexpr bool is_site_local() const noexcept { return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0xc0; }
    constexpr bool is_v4_mapped() const noexcept {
        return starts_with_zeros(10) && bytes_[10] == 0xff && bytes_[11] == 0xff;
    }

    /// ::a.b.c.d, which RFC 4291 gave up; neither :: nor ::1 is one.
    constexpr bool is_v4_compatible() const noexcept {
        return starts_with_zeros(12) && !starts_with_zeros(16) && !is_loopback();
    }

    constexpr bool is_multicast() const noexcept { return bytes_[0] == 0xff; }
    constexpr bool is_multicast_node_local() const noexcept { return is_multicast_within(0x1); }
    constexpr bool is_multicast_link_local() const noexcept { return is_multicast_within(0x2); }
    constexpr bool is_multicast_site_local() const noexcept { return is_multicast_within(0x5); }
    constexpr bool is_multicast_org_local() const noexcept { return is_multicast_within(0x8); }
    constexpr bool is_multicast_global() const noexcept { return is_multicast_within(0xe); }

    static constexpr address_v6 any() noexcept { return address_v6(); }
    static constexpr address_v6 loopback() noexcept {
        return address_v6(bytes_type{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    }

    friend constexpr bool operator==(const address_v6&, const address_v6&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(const address_v6&, const address_v6&) noexcept = default;

private:
    constexpr bool starts_with_zeros(std::size_t count) const noexcept {
        for (std::size_t i = 0; i < count; ++i)
            if (bytes_[i] != 0)
                return false;
        return true;
    }

    constexpr bool is_multicast_within(int scope) const noexcept {
        return is_multicast() && (bytes_[1] & 0x0f) == scope;
    }

    bytes_type bytes_{};
    scope_id_type scope_id_ = 0;
};

constexpr address_v6 make_address_v6(const address_v6::bytes_type& bytes,
                                     address_v6::scope_id_type scope_id = 0) noexcept {
    return address_v6(bytes, scope_id);
}

/// The address that @p text writes: eight groups, "::" for zeros once, the last two groups also in dotted decimal,
/// then perhaps "%" and a scope, which is the name of an interface that exists or a decimal number.
///
/// Errors    invalid_argument
/// Source    RFC 4291 section 2.2, RFC 4007 section 11; POSIX.1-2024 inet_pton()
RILL_DECL address_v6 make_address_v6(std::string_view text, error_code& ec) noexcept;

/// Throws    system_error
RILL_DECL address_v6 make_address_v6(std::string_view text);

/// Selects the conversions between an address_v4 and ::ffff:a.b.c.d.
enum v4_mapped_t { v4_mapped };

/// Throws    bad_address_cast unless the address is v4-mapped
RILL_DECL address_v4 make_address_v4(v4_mapped_t, const address_v6& address);

RILL_DECL address_v6 make_address_v6(v4_mapped_t, const address_v4& address) noexcept;

template <class Char, class Traits>
std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& stream, const address_v6& address) {
    return stream << address.to_string().c_str();
}

}  // namespace rill::ip

template <>
struct std::hash<rill::ip::address_v6> {
    std::size_t operator()(const rill::ip::address_v6& address) const noexcept {
        // FNV-1a, with the scope as the first byte.
        std::uint64_t value = 14695981039346656037u ^ address.scope_id();
        for (const unsigned char each : address.to_bytes())
            value = (value ^ each) * 1099511628211u;
        return static_cast<std::size_t>(value ^ value >> 32);
    }
};

#include RILL_BODY(address_v6.ipp)
