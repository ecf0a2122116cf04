// SPDX-License-Identifier: BSL-1.0
#include <rill/local/connect_pair.hpp>

#include <support/bare_sockets.hpp>
#include <support/capabilities.hpp>
#include <support/catch.hpp>
#include <support/no_more_descriptors.hpp>

#include <rill/context/io_context.hpp>
#include <rill/core/buffer.hpp>

#include <string>

using rill::buffer;
using rill::error_code;
using local = rill::local::stream_protocol;
namespace error = rill::error;

TEST_CASE("a connected pair carries bytes both ways", "[local][connect_pair]") {
    rill::io_context io(GENERATE(1, 2));
    local::socket first(io), second(io);
    rill::local::connect_pair(first, second);
    char data[8];
    CHECK(first.write_some(buffer("abc", 3)) == 3);
    CHECK(second.read_some(buffer(data)) == 3);
    int calls = 0;
    first.async_read_some(buffer(data), [&](error_code ec, std::size_t n) {
        CHECK_FALSE(ec);
        CHECK(n == 2);
        ++calls;
    });
    io.poll();
    CHECK(calls == 0);
    second.async_write_some(buffer("de", 2), [&](error_code ec, std::size_t n) {
        CHECK_FALSE(ec);
        CHECK(n == 2);
        ++calls;
    });
    io.restart();
    io.run();
    CHECK(calls == 2);
    CHECK(first.local_endpoint().path().empty());
    CHECK(first.remote_endpoint().path().empty());
}

#if TEST_HAS_DESCRIPTORS
TEST_CASE("the sockets of a pair are the library's own: they do not block, nor outlive an exec",
          "[local][connect_pair]") {
    rill::io_context io;
    local::socket first(io), second(io);
    rill::local::connect_pair(first, second);
    for (local::socket* s : {&first, &second}) {
        CHECK(bare::is_non_blocking(s->native_handle()));
        CHECK(s->native_non_blocking());
        CHECK_FALSE(s->non_blocking());
        CHECK(bare::closes_on_exec(s->native_handle()));
    }
}
#endif

TEST_CASE("the two sockets may have different executors", "[local][connect_pair]") {
    rill::io_context io, other;
    rill::basic_stream_socket<local, rill::io_context::executor_type> first(io);
    local::socket second(other);
    error_code ec = error::eof;
    rill::local::connect_pair(first, second, ec);
    CHECK_FALSE(ec);
    CHECK(first.write_some(buffer("x", 1)) == 1);
    CHECK(second.available() == 1);
}

#if TEST_HAS_LOCAL_SOCKETS
TEST_CASE("an open socket is not made into a pair", "[local][connect_pair]") {
    rill::io_context io;
    local::socket open(io, local()), closed(io);
    error_code ec;
    rill::local::connect_pair(open, closed, ec);
    CHECK(ec == error::already_open);
    CHECK_FALSE(closed.is_open());
    rill::local::connect_pair(closed, open, ec);
    CHECK(ec == error::already_open);
    CHECK_FALSE(closed.is_open());
    CHECK_THROWS_AS(rill::local::connect_pair(closed, open), rill::system_error);
}
#endif

#if TEST_HAS_PROC
TEST_CASE("what the system reports leaves both sockets closed", "[local][connect_pair]") {
    rill::io_context io;
    local::socket first(io), second(io);
    error_code ec;
    {
        const no_more_descriptors refused;
        rill::local::connect_pair(first, second, ec);
    }
    CHECK(ec == error::no_descriptors);
    CHECK_FALSE(first.is_open());
    CHECK_FALSE(second.is_open());
}
#endif
