// SPDX-License-Identifier: BSL-1.0
#include <rill/ip/tcp.hpp>

#include <support/bare_sockets.hpp>
#include <support/catch.hpp>

#include <type_traits>

using rill::ip::tcp;

TEST_CASE("tcp names the arguments of socket() for either version", "[ip][tcp]") {
    static_assert(std::is_same_v<tcp::endpoint::protocol_type, tcp>);
    CHECK(tcp::v4().family() == AF_INET);
    CHECK(tcp::v6().family() == AF_INET6);
    CHECK(tcp::v4().type() == SOCK_STREAM);
    CHECK(tcp::v4().protocol() == IPPROTO_TCP);
    CHECK(tcp::v4() == tcp::v4());
    CHECK(tcp::v4() != tcp::v6());
    CHECK(tcp::endpoint(tcp::v6(), 1).protocol() == tcp::v6());
    CHECK(tcp::endpoint(tcp::v4(), 1).protocol() == tcp::v4());
}

TEST_CASE("no_delay is an option of tcp", "[ip][tcp]") {
    const tcp::no_delay on(true);
    CHECK(on.value());
    CHECK(on.level(tcp::v4()) == IPPROTO_TCP);
    CHECK(on.name(tcp::v4()) == TCP_NODELAY);
}
