// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/ip/address.hpp>
#include <rill/ip/endpoint_storage.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iosfwd>

namespace rill::ip {

/// Type used for a port number, in the order of the host.
using port_type = std::uint_least16_t;

/// One end of a connection of an Internet protocol: an address and a port.
template <class InternetProtocol>
class basic_endpoint {
public:
    using protocol_type = InternetProtocol;
    using data_type = engine::native_address;

    /// 0.0.0.0:0
    basic_endpoint() noexcept : storage_(ip::address(), 0) {}

    /// A port at any address of the protocol's version: what an acceptor binds to.
    basic_endpoint(const InternetProtocol& protocol, port_type port) noexcept
        : storage_(protocol.family() == engine::socket_constant::family_ipv6 ? ip::address(address_v6::any())
                                                                             : ip::address(address_v4::any()),
                   port) {}

    basic_endpoint(const ip::address& address, port_type port) noexcept : storage_(address, port) {}

    protocol_type protocol() const noexcept {
        return storage_.is_v6() ? InternetProtocol::v6() : InternetProtocol::v4();
    }

    /// What the system's calls take, and write to: data(), then resize() to what was written.
    data_type* data() noexcept { return storage_.data(); }
    const data_type* data() const noexcept { return storage_.data(); }
    std::size_t size() const noexcept { return storage_.size(); }
    std::size_t capacity() const noexcept { return storage_.capacity(); }

    /// Throws    system_error, invalid_argument: more than the capacity
    void resize(std::size_t size) { storage_.resize(size); }

    port_type port() const noexcept { return storage_.port(); }
    void port(port_type port) noexcept { storage_.port(port); }

    ip::address address() const noexcept { return storage_.address(); }
    void address(const ip::address& address) noexcept {
        storage_ = engine::ip_endpoint_storage(address, storage_.port());
    }

    /// By address, then by port.
    friend bool operator==(const basic_endpoint&, const basic_endpoint&) noexcept = default;
    friend std::strong_ordering operator<=>(const basic_endpoint&, const basic_endpoint&) noexcept = default;

    /// Writes "1.2.3.4:80" or "[::1]:80".
    template <class Char, class Traits>
    friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& stream,
                                                        const basic_endpoint& endpoint) {
        return stream << endpoint.storage_.to_string().c_str();
    }

private:
    engine::ip_endpoint_storage storage_;
};

}  // namespace rill::ip

template <class InternetProtocol>
struct std::hash<rill::ip::basic_endpoint<InternetProtocol>> {
    std::size_t operator()(const rill::ip::basic_endpoint<InternetProtocol>& endpoint) const noexcept {
        return std::hash<rill::ip::address>()(endpoint.address()) * 31 + endpoint.port();
    }
};
