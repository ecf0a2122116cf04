// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/ip/address_v4.hpp>

namespace rill::ip {

RILL_DECL std::string address_v4::to_string() const {
    std::string text;
    for (const unsigned part : to_bytes()) {
        if (!text.empty())
            text += '.';
        if (part >= 100)
            text += static_cast<char>('0' + part / 100);
        if (part >= 10)
            text += static_cast<char>('0' + part / 10 % 10);
        text += static_cast<char>('0' + part % 10);
    }
    return text;
}

RILL_DECL address_v4 make_address_v4(std::string_view text, error_code& ec) noexcept {
    ec = error::invalid_argument;
    std::size_t at = 0;
    address_v4::uint_type value = 0;
    for (int part = 0; part < 4; ++part) {
        if (part > 0 && (at == text.size() || text[at++] != '.'))
            return {};
        const std::size_t start = at;
        unsigned number = 0;
        for (; at < text.size() && at - start < 3 && text[at] >= '0' && text[at] <= '9'; ++at)
            number = number * 10 + static_cast<unsigned>(text[at] - '0');
        const bool leading_zero = at - start > 1 && text[start] == '0';
        if (at == start || leading_zero || number > 255)
            return {};
        value = value << 8 | number;
    }
    if (at < text.size())
        return {};
    ec.clear();
    return address_v4(value);
}

RILL_DECL address_v4 make_address_v4(std::string_view text) {
    error_code ec;
    const address_v4 address = make_address_v4(text, ec);
    throw_if(ec, "make_address_v4");
    return address;
}

}  // namespace rill::ip
