// SPDX-License-Identifier: BSL-1.0
#include <rill/local/basic_endpoint.hpp>

#include <support/bare_sockets.hpp>
#include <support/capabilities.hpp>
#include <support/catch.hpp>

#include <rill/core/error.hpp>

#include <cstddef>
#include <cstring>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>

using namespace std::string_view_literals;

namespace {

struct no_protocol {};

using endpoint = rill::local::basic_endpoint<no_protocol>;

static_assert(std::is_trivially_copyable_v<endpoint>);

constexpr std::size_t path_offset = offsetof(::sockaddr_un, sun_path);
constexpr std::size_t room = sizeof(::sockaddr_un) - path_offset;

template <class Action>
rill::error_code error_of(Action action) {
    try {
        action();
    } catch (const rill::system_error& error) {
        return error.code();
    }
    return {};
}

/// An endpoint as a call of the system would have written it.
endpoint received(std::string_view bytes_of_path) {
    ::sockaddr_un native{};
    native.sun_family = AF_UNIX;
    bytes_of_path.copy(native.sun_path, bytes_of_path.size());
    endpoint from("left over from before, and longer than what is received");
    std::memcpy(from.data(), &native, path_offset + bytes_of_path.size());
    from.resize(path_offset + bytes_of_path.size());
    return from;
}

}  // namespace

TEST_CASE("a local endpoint without arguments is unnamed", "[local][basic_endpoint]") {
    const endpoint none;
    CHECK(none.path().empty());
    CHECK(none.size() == path_offset);
    CHECK(none.capacity() == sizeof(::sockaddr_un));
    CHECK(none.data()->sa_family == AF_UNIX);
    CHECK(endpoint("") == none);
}

TEST_CASE("a local endpoint keeps its path and ends it with NUL", "[local][basic_endpoint]") {
    const endpoint one("/tmp/socket");
    CHECK(one.path() == "/tmp/socket");
    CHECK(one.size() == path_offset + 12);
    ::sockaddr_un native{};
    std::memcpy(&native, one.data(), one.size());
    CHECK(native.sun_family == AF_UNIX);
    CHECK(native.sun_path == "/tmp/socket"sv);
    CHECK(endpoint(std::string("/tmp/socket")) == one);
    CHECK(endpoint("/tmp/socket"sv) == one);
}

#if TEST_HAS_ABSTRACT_NAMES
TEST_CASE("a name that begins with NUL is taken byte by byte", "[local][basic_endpoint]") {
    const auto name = "\0abstract\0name\0"sv;
    const endpoint one(name);
    CHECK(one.path() == name);
    CHECK(one.size() == path_offset + name.size());
    CHECK(endpoint("\0"sv).path() == "\0"sv);
    CHECK(endpoint("\0"sv) != endpoint());
    CHECK(received("\0ab"sv) == endpoint("\0ab"sv));
    CHECK(received("\0ab\0"sv) == endpoint("\0ab\0"sv));
    CHECK(endpoint("a") != endpoint("\0a"sv));
    const std::string longest = '\0' + std::string(room - 1, 'x');
    CHECK(endpoint(longest).path() == longest);
    CHECK(endpoint(longest).size() == sizeof(::sockaddr_un));
    std::ostringstream stream;
    stream << endpoint("\0b"sv);
    CHECK(stream.str() == "\0b"sv);
}
#else
TEST_CASE("a name that begins with NUL is an invalid argument", "[local][basic_endpoint]") {
    CHECK(error_of([] { endpoint e("\0abstract"sv); }) == rill::error::invalid_argument);
    CHECK(error_of([] { endpoint e("\0"sv); }) == rill::error::invalid_argument);
}
#endif

TEST_CASE("a path that does not fit is too long", "[local][basic_endpoint]") {
    const std::string longest(room - 1, 'x');
    CHECK(endpoint(longest).path() == longest);
    CHECK(endpoint(longest).size() == sizeof(::sockaddr_un));

    using rill::error::name_too_long;
    CHECK(error_of([&] { endpoint e(longest + 'x'); }) == name_too_long);
    CHECK(error_of([&] { endpoint e('\0' + longest + 'x'); }) == name_too_long);
    CHECK(error_of([&] { endpoint e(std::string(100000, 'x').c_str()); }) == name_too_long);
}

TEST_CASE("a NUL inside a path is an invalid argument", "[local][basic_endpoint]") {
    CHECK(error_of([] { endpoint e("/tmp/a\0b"sv); }) == rill::error::invalid_argument);
    CHECK(error_of([] { endpoint e("/tmp/a\0"sv); }) == rill::error::invalid_argument);
}

TEST_CASE("a local endpoint takes another path, or stays as it was", "[local][basic_endpoint]") {
    endpoint one("/tmp/a");
    one.path("/tmp/longer");
    CHECK(one.path() == "/tmp/longer");
    one.path(std::string("b"));
    CHECK(one == endpoint("b"));
    CHECK(error_of([&] { one.path(std::string(room, 'x')); }) == rill::error::name_too_long);
    CHECK(one == endpoint("b"));
    one.path("");
    CHECK(one == endpoint());
}

TEST_CASE("a local endpoint takes what the system's calls write", "[local][basic_endpoint]") {
    CHECK(received("/tmp/a\0"sv) == endpoint("/tmp/a"));
    CHECK(received("/tmp/a"sv) == endpoint("/tmp/a"));
    CHECK(received(""sv) == endpoint());
    CHECK(received(std::string(room, 'x')).path() == std::string(room, 'x'));

    endpoint unnamed("/tmp/a");
    unnamed.resize(0);
    CHECK(unnamed == endpoint());
    REQUIRE_THROWS_AS(unnamed.resize(unnamed.capacity() + 1), rill::system_error);
}

TEST_CASE("local endpoints are in the order of their paths", "[local][basic_endpoint]") {
    CHECK(endpoint() < endpoint("a"));
    CHECK(endpoint("a") < endpoint("aa"));
    CHECK(endpoint("ab") > endpoint("aa"));
}

TEST_CASE("local endpoints are written to streams of any character", "[local][basic_endpoint]") {
    std::ostringstream narrow;
    narrow << endpoint("/tmp/a") << ' ' << endpoint() << endpoint("b");
    CHECK(narrow.str() == "/tmp/a b");
    std::wostringstream wide;
    wide << endpoint("/tmp/a");
    CHECK(wide.str() == L"/tmp/a");
}
