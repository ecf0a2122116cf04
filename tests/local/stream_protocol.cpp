// SPDX-License-Identifier: BSL-1.0
#include <rill/local/stream_protocol.hpp>

#include <support/bare_sockets.hpp>
#include <support/catch.hpp>

#include <type_traits>

using rill::local::stream_protocol;

TEST_CASE("stream_protocol names the arguments of socket()", "[local][stream_protocol]") {
    static_assert(std::is_same_v<stream_protocol::endpoint::protocol_type, stream_protocol>);
    CHECK(stream_protocol().family() == AF_UNIX);
    CHECK(stream_protocol().type() == SOCK_STREAM);
    CHECK(stream_protocol().protocol() == 0);
    CHECK(stream_protocol::endpoint("/tmp/socket").protocol() == stream_protocol());
}
