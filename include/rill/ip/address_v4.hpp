// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace rill::ip {

/// An IP version 4 address.
class address_v4 {
public:
    using uint_type = std::uint_least32_t;
    using bytes_type = std::array<unsigned char, 4>;

    /// 0.0.0.0
    constexpr address_v4() noexcept = default;

    /// From the four numbers in the order they are written.
    constexpr explicit address_v4(const bytes_type& bytes) noexcept
        : value_(uint_type{bytes[0]} << 24 | uint_type{bytes[1]} << 16 | uint_type{bytes[2]} << 8 | bytes[3]) {}

    /// From a number in the order of the host: 0x7f000001 is 127.0.0.1.
    constexpr explicit address_v4(uint_type value) noexcept : value_(value) {}

    constexpr uint_type to_uint() const noexcept { return value_; }

    constexpr bytes_type to_bytes() const noexcept {
        return {static_cast<unsigned char>(value_ >> 24), static_cast<unsigned char>(value_ >> 16 & 0xff),
                static_cast<unsigned char>(value_ >> 8 & 0xff), static_cast<unsigned char>(value_ & 0xff)};
    }

    /// In dotted decimal: "127.0.0.1".
    std::string to_string() const;

    constexpr bool is_unspecified() const noexcept { return value_ == 0; }
    constexpr bool is_loopback() const noexcept { return value_ >> 24 == 127; }
    constexpr bool is_multicast() const noexcept { return value_ >> 28 == 0xe; }
    constexpr bool is_class_a() const noexcept { return value_ >> 31 == 0; }
    constexpr bool is_class_b() const noexcept { return value_ >> 30 == 0x2; }
    constexpr bool is_class_c() const noexcept { return value_ >> 29 == 0x6; }

    static constexpr address_v4 any() noexcept { return address_v4(); }
    static constexpr address_v4 loopback() noexcept { return address_v4(0x7f000001); }
    static constexpr address_v4 broadcast() noexcept { return address_v4(0xffffffff); }

    /// The broadcast address of the network of @p address.
    static constexpr address_v4 broadcast(address_v4 address, address_v4 mask) noexcept {
        return address_v4(address.value_ | (mask.value_ ^ 0xffffffff));
    }

    /// The mask that the class of @p address implies; all ones if it is of neither class A, B nor C.
    static constexpr address_v4 netmask(address_v4 address) noexcept {
        return address_v4(address.is_class_a()   ? 0xff000000
                          : address.is_class_b() ? 0xffff0000
                          : address.is_class_c() ? 0xffffff00
                                                 : 0xffffffff);
    }

    friend constexpr bool operator==(const address_v4&, const address_v4&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(const address_v4&, const address_v4&) noexcept = default;

private:
    uint_type value_ = 0;
};

constexpr address_v4 make_address_v4(const address_v4::bytes_type& bytes) noexcept { return address_v4(bytes); }
constexpr address_v4 make_address_v4(address_v4::uint_type value) noexcept { return address_v4(value); }

/// The address that @p text writes in dotted decimal. All four numbers, without leading zeros, and nothing else.
///
/// Errors    invalid_argument
/// Source    POSIX.1-2024 inet_pton()
RILL_DECL address_v4 make_address_v4(std::string_view text, error_code& ec) noexcept;

/// Throws    system_error
RILL_DECL address_v4 make_address_v4(std::string_view text);

template <class Char, class Traits>
std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& stream, const address_v4& address) {
    return stream << address.to_string().c_str();
}

}  // namespace rill::ip

template <>
struct std::hash<rill::ip::address_v4> {
    std::size_t operator()(const rill::ip::address_v4& address) const noexcept {
        return std::hash<rill::ip::address_v4::uint_type>()(address.to_uint());
    }
};

#include RILL_BODY(address_v4.ipp)
