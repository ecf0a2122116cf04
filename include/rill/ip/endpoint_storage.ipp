// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>
#include <rill/ip/endpoint_storage.hpp>

#include <cstring>

namespace rill::engine {

RILL_DECL ip_endpoint_storage::ip_endpoint_storage(const ip::address& address, std::uint16_t port) noexcept : v6_() {
    if (address.is_v6()) {
        const ip::address_v6 v6 = address.to_v6();
        const ip::address_v6::bytes_type bytes = v6.to_bytes();
        v6_.sin6_family = socket_constant::family_ipv6;
        v6_.sin6_port = network_order(port);
        v6_.sin6_scope_id = v6.scope_id();
        std::memcpy(&v6_.sin6_addr, bytes.data(), bytes.size());
    } else {
        v4_.sin_family = socket_constant::family_ipv4;
        v4_.sin_port = network_order(port);
        v4_.sin_addr.s_addr = network_order(address.to_v4().to_uint());
    }
}

RILL_DECL void ip_endpoint_storage::resize(std::size_t size) {
    if (size > capacity())
        throw_if(error::invalid_argument, "ip::basic_endpoint::resize");
}

RILL_DECL ip::address ip_endpoint_storage::address() const noexcept {
    if (!is_v6())
        return ip::address_v4(network_order(v4_.sin_addr.s_addr));
    ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &v6_.sin6_addr, bytes.size());
    return ip::address_v6(bytes, v6_.sin6_scope_id);
}

RILL_DECL std::string ip_endpoint_storage::to_string() const {
    const std::string host = address().to_string();
    return (is_v6() ? '[' + host + ']' : host) + ':' + std::to_string(port());
}

}  // namespace rill::engine
