// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/ip/address_v6.hpp>
#include <rill/ip/bad_address_cast.hpp>

#include RILL_SYSTEM(interface_name.hpp)

#include <charconv>

namespace rill::engine {

/// The eight groups of an address, as it is written.
using ipv6_groups = std::array<unsigned, 8>;

inline int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/// Puts zeros where the "::" stood, before group @p gap of @p count; a negative gap: there was none.
inline bool fill_gap(ipv6_groups& groups, int count, int gap) noexcept {
    if (gap < 0)
        return count == 8;
    if (count == 8)
        return false;  // "::" stands for one group at least
    for (int i = 7; i >= gap; --i) {
        const int from = i - (8 - count);
        groups[static_cast<std::size_t>(i)] = from >= gap ? groups[static_cast<std::size_t>(from)] : 0;
    }
    return true;
}

inline bool parse_ipv6_groups(std::string_view text, ipv6_groups& groups) noexcept {
    std::size_t at = 0;
    int count = 0;
    int gap = -1;
    if (text.starts_with("::")) {
        gap = 0;
        at = 2;
    }
    while (at < text.size()) {
        const std::size_t start = at;
        unsigned group = 0;
        for (int digit; at < text.size() && at - start < 4 && (digit = hex_digit(text[at])) >= 0; ++at)
            group = group << 4 | static_cast<unsigned>(digit);
        if (at == start || count == 8)
            return false;
        if (at < text.size() && text[at] == '.') {
            error_code ec;
            const ip::address_v4 tail = ip::make_address_v4(text.substr(start), ec);
            if (ec || count > 6)
                return false;
            groups[static_cast<std::size_t>(count++)] = tail.to_uint() >> 16;
            groups[static_cast<std::size_t>(count++)] = tail.to_uint() & 0xffff;
            break;
        }
        groups[static_cast<std::size_t>(count++)] = group;
        if (at == text.size())
            break;
        if (text[at++] != ':' || at == text.size())
            return false;
        if (text[at] == ':') {
            if (gap >= 0)
                return false;
            gap = count;
            ++at;
        }
    }
    return fill_gap(groups, count, gap);
}

/// The scope that @p text names, by interface or by number; 0 if it names none. For link-local addresses the name goes
/// first, otherwise the number: the way to_string() writes them.
inline std::uint32_t parse_scope(std::string_view text, bool name_first) noexcept {
    std::uint32_t id = 0;
    if (name_first && (id = interface_index(text)) != 0)
        return id;
    const char* const end = text.data() + text.size();
    const std::from_chars_result parsed = std::from_chars(text.data(), end, id);
    if (parsed.ec == std::errc() && parsed.ptr == end)
        return id;
    return name_first ? 0 : interface_index(text);
}

inline void append_number(std::string& text, unsigned value, int base) {
    char digits[16];
    text.append(digits, std::to_chars(digits, digits + sizeof digits, value, base).ptr);
}

/// The longest run of two zero groups or more, the first of several (RFC 5952 section 4.2).
struct zero_run {
    std::size_t begin = 8;
    std::size_t size = 1;

    explicit zero_run(const ipv6_groups& groups) noexcept {
        for (std::size_t i = 0, zeros = 0; i < 8; ++i) {
            zeros = groups[i] == 0 ? zeros + 1 : 0;
            if (zeros > size) {
                size = zeros;
                begin = i + 1 - zeros;
            }
        }
    }
};

}  // namespace rill::engine

namespace rill::ip {

RILL_DECL std::string address_v6::to_string() const {
    std::string text;
    if (is_v4_mapped()) {
        text = "::ffff:" + make_address_v4(v4_mapped, *this).to_string();
    } else {
        engine::ipv6_groups groups;
        for (std::size_t i = 0; i < 8; ++i)
            groups[i] = static_cast<unsigned>(bytes_[2 * i] << 8 | bytes_[2 * i + 1]);
        const engine::zero_run run(groups);
        for (std::size_t i = 0; i < 8;) {
            if (i == run.begin) {
                text += "::";
                i += run.size;
            } else {
                if (i > 0 && i != run.begin + run.size)
                    text += ':';
                engine::append_number(text, groups[i++], 16);
            }
        }
    }
    if (scope_id_ != 0) {
        text += '%';
        const bool named =
            (is_link_local() || is_multicast_link_local()) && engine::append_interface_name(text, scope_id_);
        if (!named)
            engine::append_number(text, scope_id_, 10);
    }
    return text;
}

RILL_DECL address_v6 make_address_v6(std::string_view text, error_code& ec) noexcept {
    ec = error::invalid_argument;
    const std::size_t percent = text.find('%');
    engine::ipv6_groups groups{};
    if (!engine::parse_ipv6_groups(text.substr(0, percent), groups))
        return {};
    address_v6::bytes_type bytes;
    for (std::size_t i = 0; i < 8; ++i) {
        bytes[2 * i] = static_cast<unsigned char>(groups[i] >> 8);
        bytes[2 * i + 1] = static_cast<unsigned char>(groups[i] & 0xff);
    }
    address_v6 address(bytes);
    if (percent != std::string_view::npos) {
        const std::string_view scope = text.substr(percent + 1);
        const bool name_first = address.is_link_local() || address.is_multicast_link_local();
        address.scope_id(engine::parse_scope(scope, name_first));
        if (address.scope_id() == 0 && scope != "0")
            return {};
    }
    ec.clear();
    return address;
}

RILL_DECL address_v6 make_address_v6(std::string_view text) {
    error_code ec;
    const address_v6 address = make_address_v6(text, ec);
    throw_if(ec, "make_address_v6");
    return address;
}

RILL_DECL address_v4 make_address_v4(v4_mapped_t, const address_v6& address) {
    if (!address.is_v4_mapped())
        throw bad_address_cast();
    const address_v6::bytes_type bytes = address.to_bytes();
    return address_v4({bytes[12], bytes[13], bytes[14], bytes[15]});
}

RILL_DECL address_v6 make_address_v6(v4_mapped_t, const address_v4& address) noexcept {
    const address_v4::bytes_type bytes = address.to_bytes();
    return address_v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, bytes[0], bytes[1], bytes[2], bytes[3]});
}

}  // namespace rill::ip
