// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/ip/address.hpp>

namespace rill::ip {

RILL_DECL address make_address(std::string_view text, error_code& ec) noexcept {
    const bool is_v6 = text.find(':') != std::string_view::npos;
    const address result = is_v6 ? address(make_address_v6(text, ec)) : address(make_address_v4(text, ec));
    return ec ? address() : result;
}

RILL_DECL address make_address(std::string_view text) {
    error_code ec;
    const address result = make_address(text, ec);
    throw_if(ec, "make_address");
    return result;
}

}  // namespace rill::ip
