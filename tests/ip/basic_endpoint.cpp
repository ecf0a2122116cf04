// SPDX-License-Identifier: BSL-1.0
#include <rill/ip/basic_endpoint.hpp>

#include <support/bare_sockets.hpp>
#include <support/catch.hpp>

#include <cstring>
#include <sstream>
#include <string>
#include <type_traits>
#include <unordered_set>

using rill::ip::address_v4;
using rill::ip::address_v6;
using rill::ip::make_address;

namespace {

/// A protocol with a family and nothing else.
class family_only {
public:
    static family_only v4() { return family_only(AF_INET); }
    static family_only v6() { return family_only(AF_INET6); }
    int family() const { return family_; }

private:
    explicit family_only(int family) : family_(family) {}
    int family_;
};

using endpoint = rill::ip::basic_endpoint<family_only>;

static_assert(std::is_same_v<endpoint::protocol_type, family_only>);
static_assert(std::is_trivially_copyable_v<endpoint>);
static_assert(sizeof(endpoint) == sizeof(::sockaddr_in6));

template <class Native>
Native native_of(const endpoint& e) {
    Native native{};
    REQUIRE(e.size() == sizeof native);
    std::memcpy(&native, e.data(), sizeof native);
    return native;
}

}  // namespace

TEST_CASE("an endpoint without arguments is port 0 of any version 4 address", "[ip][basic_endpoint]") {
    const endpoint none;
    CHECK(none.protocol().family() == AF_INET);
    CHECK(none.address() == address_v4::any());
    CHECK(none.port() == 0);
    CHECK(none.size() == sizeof(::sockaddr_in));
    CHECK(none.capacity() >= sizeof(::sockaddr_in6));
    CHECK(none == endpoint(family_only::v4(), 0));
}

TEST_CASE("an endpoint of a protocol is at any address of its version", "[ip][basic_endpoint]") {
    const endpoint v4(family_only::v4(), 80);
    CHECK(v4.address() == address_v4::any());
    CHECK(v4.port() == 80);
    const endpoint v6(family_only::v6(), 81);
    CHECK(v6.address() == address_v6::any());
    CHECK(v6.port() == 81);
    CHECK(v6.protocol().family() == AF_INET6);
}

TEST_CASE("an endpoint keeps its address and its port", "[ip][basic_endpoint]") {
    const auto text = GENERATE("0.0.0.0", "1.2.3.4", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1%7");
    const auto port = GENERATE(std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{0x1234}, std::uint16_t{65535});
    const auto address = make_address(text);
    endpoint one(address, port);
    CHECK(one.address() == address);
    CHECK(one.port() == port);
    CHECK(one.protocol().family() == (address.is_v4() ? AF_INET : AF_INET6));
    SECTION("and takes another address") {
        one.address(address_v6::loopback());
        CHECK(one == endpoint(address_v6::loopback(), port));
        one.address(address_v4::loopback());
        CHECK(one == endpoint(address_v4::loopback(), port));
    }
    SECTION("and another port") {
        one.port(4660);
        CHECK(one == endpoint(address, 4660));
    }
}

TEST_CASE("an endpoint is what the system's calls take", "[ip][basic_endpoint]") {
    const auto v4 = native_of<::sockaddr_in>(endpoint(address_v4({1, 2, 3, 4}), 0x1234));
    CHECK(v4.sin_family == AF_INET);
    CHECK(v4.sin_port == htons(0x1234));
    CHECK(v4.sin_addr.s_addr == htonl(0x01020304));
    const auto v6 = native_of<::sockaddr_in6>(endpoint(make_address("102::f%9"), 0x1234));
    CHECK(v6.sin6_family == AF_INET6);
    CHECK(v6.sin6_port == htons(0x1234));
    CHECK(v6.sin6_addr.s6_addr[0] == 1);
    CHECK(v6.sin6_addr.s6_addr[15] == 15);
    CHECK(v6.sin6_scope_id == 9);
    CHECK(v6.sin6_flowinfo == 0);
}

TEST_CASE("an endpoint takes what the system's calls write", "[ip][basic_endpoint]") {
    endpoint from;
    ::sockaddr_in6 native{};
    native.sin6_family = AF_INET6;
    native.sin6_port = htons(80);
    native.sin6_addr.s6_addr[15] = 1;
    std::memcpy(from.data(), &native, sizeof native);
    from.resize(sizeof native);
    CHECK(from == endpoint(address_v6::loopback(), 80));
    CHECK(from.size() == sizeof native);
}

TEST_CASE("an endpoint of more than its capacity is refused", "[ip][basic_endpoint]") {
    endpoint one;
    one.resize(one.capacity());
    REQUIRE_THROWS_AS(one.resize(one.capacity() + 1), rill::system_error);
}

TEST_CASE("endpoints are in order: address, then port", "[ip][basic_endpoint]") {
    const endpoint sorted[] = {endpoint(make_address("1.2.3.4"), 80), endpoint(make_address("1.2.3.4"), 0x0100),
                               endpoint(make_address("1.2.4.0"), 0),  endpoint(make_address("::"), 0),
                               endpoint(make_address("::1"), 0),      endpoint(make_address("::1%1"), 0)};
    for (std::size_t i = 0; i < std::size(sorted); ++i) {
        for (std::size_t k = 0; k < std::size(sorted); ++k) {
            CAPTURE(i, k);
            CHECK((sorted[i] < sorted[k]) == (i < k));
            CHECK((sorted[i] == sorted[k]) == (i == k));
        }
    }
}

TEST_CASE("endpoints have a hash", "[ip][basic_endpoint]") {
    const std::unordered_set<endpoint> set = {endpoint(), endpoint(family_only::v4(), 0),
                                              endpoint(family_only::v4(), 1), endpoint(family_only::v6(), 0)};
    CHECK(set.size() == 3);
}

TEST_CASE("endpoints are written with brackets around a version 6 address", "[ip][basic_endpoint]") {
    std::ostringstream narrow;
    narrow << endpoint(make_address("1.2.3.4"), 80) << ' ' << endpoint(make_address("::1"), 65535);
    CHECK(narrow.str() == "1.2.3.4:80 [::1]:65535");
    std::wostringstream wide;
    wide << endpoint();
    CHECK(wide.str() == L"0.0.0.0:0");
}
