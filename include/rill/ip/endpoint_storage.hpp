// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>
#include <rill/core/platform.hpp>
#include <rill/ip/address.hpp>

#include RILL_SYSTEM(native_address.hpp)
#include RILL_SYSTEM(socket_constants.hpp)

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

namespace rill::engine {

/// An IP address and a port in the system's form: all of ip::basic_endpoint that does not depend on the protocol.
class ip_endpoint_storage {
public:
    ip_endpoint_storage(const ip::address& address, std::uint16_t port) noexcept;

    native_address* data() noexcept { return &any_; }
    const native_address* data() const noexcept { return &any_; }
    std::size_t size() const noexcept { return is_v6() ? sizeof v6_ : sizeof v4_; }
    static constexpr std::size_t capacity() noexcept { return sizeof(native_address_v6); }

    /// The system has written an address of @p size bytes to data().
    ///
    /// Throws    system_error, invalid_argument: more than the capacity
    static void resize(std::size_t size);

    bool is_v6() const noexcept { return any_.sa_family == socket_constant::family_ipv6; }

    std::uint16_t port() const noexcept { return network_order(is_v6() ? v6_.sin6_port : v4_.sin_port); }
    void port(std::uint16_t port) noexcept { (is_v6() ? v6_.sin6_port : v4_.sin_port) = network_order(port); }

    ip::address address() const noexcept;

    /// "1.2.3.4:80", "[::1]:80"
    std::string to_string() const;

    friend bool operator==(const ip_endpoint_storage& a, const ip_endpoint_storage& b) noexcept {
        return a.port() == b.port() && a.address() == b.address();
    }
    friend std::strong_ordering operator<=>(const ip_endpoint_storage& a, const ip_endpoint_storage& b) noexcept {
        const std::strong_ordering by_address = a.address() <=> b.address();
        return by_address != 0 ? by_address : a.port() <=> b.port();
    }

private:
    // The family, which all of them have in the same place, tells which one it is.
    union {
        native_address any_;
        native_address_v4 v4_;
        native_address_v6 v6_;
    };
};

}  // namespace rill::engine

#include RILL_BODY(endpoint_storage.ipp)
