// SPDX-License-Identifier: BSL-1.0
#include <rill/io/socket_base.hpp>

#include <support/bare_sockets.hpp>
#include <support/capabilities.hpp>
#include <support/catch.hpp>

#include <cstring>
#include <stdexcept>
#include <type_traits>

using rill::socket_base;

namespace {

struct any_protocol {};
constexpr any_protocol protocol;

/// Two sockets that are connected.
class pair_of_sockets {
public:
    pair_of_sockets() { REQUIRE(bare::open_pair(handles_)); }
    /// One that is not.
    explicit pair_of_sockets(int family) { handles_[0] = bare::open_stream(family); }
    pair_of_sockets(const pair_of_sockets&) = delete;
    ~pair_of_sockets() {
        for (const bare::handle handle : handles_)
            if (handle != bare::none)
                bare::close(handle);
    }

    bare::handle first() const { return handles_[0]; }
    bare::handle second() const { return handles_[1]; }

    template <class Option>
    bool set(const Option& option) const {
        return bare::set_option(first(), option.level(protocol), option.name(protocol), option.data(protocol),
                                option.size(protocol));
    }

    template <class Option>
    Option get() const {
        Option option;
        const std::size_t size = bare::get_option(first(), option.level(protocol), option.name(protocol),
                                                  option.data(protocol), option.size(protocol));
        CHECK(size != 0);
        option.resize(protocol, size);
        return option;
    }

private:
    bare::handle handles_[2] = {bare::none, bare::none};
};

template <class Option>
constexpr bool names(int level, int name) {
    return Option::level(protocol) == level && Option::name(protocol) == name;
}

static_assert(names<socket_base::broadcast>(SOL_SOCKET, SO_BROADCAST));
static_assert(names<socket_base::debug>(SOL_SOCKET, SO_DEBUG));
static_assert(names<socket_base::do_not_route>(SOL_SOCKET, SO_DONTROUTE));
static_assert(names<socket_base::keep_alive>(SOL_SOCKET, SO_KEEPALIVE));
static_assert(names<socket_base::linger>(SOL_SOCKET, SO_LINGER));
static_assert(names<socket_base::out_of_band_inline>(SOL_SOCKET, SO_OOBINLINE));
static_assert(names<socket_base::receive_buffer_size>(SOL_SOCKET, SO_RCVBUF));
static_assert(names<socket_base::receive_low_watermark>(SOL_SOCKET, SO_RCVLOWAT));
static_assert(names<socket_base::reuse_address>(SOL_SOCKET, SO_REUSEADDR));
static_assert(names<socket_base::send_buffer_size>(SOL_SOCKET, SO_SNDBUF));
static_assert(names<socket_base::send_low_watermark>(SOL_SOCKET, SO_SNDLOWAT));
#if TEST_HAS_REUSE_PORT
static_assert(names<socket_base::reuse_port>(SOL_SOCKET, SO_REUSEPORT));
#endif
static_assert(socket_base::enable_connection_aborted::level(protocol) != SOL_SOCKET);

static_assert(int{socket_base::shutdown_receive} == bare::shutdown_receive);
static_assert(int{socket_base::shutdown_send} == bare::shutdown_send);
static_assert(int{socket_base::shutdown_both} == bare::shutdown_both);
static_assert(socket_base::message_peek == MSG_PEEK);
static_assert(socket_base::message_out_of_band == MSG_OOB);
static_assert(socket_base::message_do_not_route == MSG_DONTROUTE);
static_assert(socket_base::message_end_of_record == bare::end_of_record);
static_assert(socket_base::max_listen_connections == SOMAXCONN);

static_assert(!std::is_default_constructible_v<socket_base>);
static_assert(!std::is_destructible_v<socket_base>);
static_assert(std::is_convertible_v<socket_base::debug, bool>);

}  // namespace

TEST_CASE("a boolean option is off until it is set", "[io][socket_base]") {
    socket_base::keep_alive option;
    CHECK_FALSE(option.value());
    option = true;
    CHECK(option.value());
    CHECK(static_cast<bool>(option));
    CHECK_FALSE(!option);
    option = false;
    CHECK_FALSE(option.value());
    CHECK(socket_base::keep_alive(true).value());
}

TEST_CASE("a boolean option takes an int or a single byte from the system", "[io][socket_base]") {
    socket_base::keep_alive option(true);
    option.resize(protocol, sizeof(int));
    CHECK(option.value());

    // The other bytes are what they were.
    std::memset(option.data(protocol), 0xff, sizeof(int));
    std::memset(option.data(protocol), 0, 1);
    option.resize(protocol, 1);
    CHECK_FALSE(option.value());

    std::memset(option.data(protocol), 0, sizeof(int));
    std::memset(option.data(protocol), 1, 1);
    option.resize(protocol, 1);
    CHECK(option.value());

    REQUIRE_THROWS_AS(option.resize(protocol, 0), std::length_error);
    REQUIRE_THROWS_AS(option.resize(protocol, sizeof(int) + 1), std::length_error);
}

TEST_CASE("an integer option has a number", "[io][socket_base]") {
    socket_base::receive_buffer_size option;
    CHECK(option.value() == 0);
    option = 4096;
    CHECK(option.value() == 4096);
    CHECK(socket_base::receive_buffer_size(-1).value() == -1);
    option.resize(protocol, sizeof(int));
    REQUIRE_THROWS_AS(option.resize(protocol, 1), std::length_error);
}

TEST_CASE("a linger option is a switch and a number of seconds", "[io][socket_base]") {
    socket_base::linger option;
    CHECK_FALSE(option.enabled());
    CHECK(option.timeout() == 0);
    option = socket_base::linger(true, 30);
    CHECK(option.enabled());
    CHECK(option.timeout() == 30);
    option.enabled(false);
    option.timeout(7);
    CHECK_FALSE(option.enabled());
    CHECK(option.timeout() == 7);
    option.resize(protocol, sizeof(::linger));
    REQUIRE_THROWS_AS(option.resize(protocol, sizeof(::linger) - 1), std::length_error);
}

TEST_CASE("the system takes every option and gives it back", "[io][socket_base]") {
    const pair_of_sockets sockets(AF_INET);
    CHECK(sockets.set(socket_base::keep_alive(true)));
    CHECK(sockets.get<socket_base::keep_alive>().value());
    CHECK(sockets.set(socket_base::reuse_address(true)));
    CHECK(sockets.get<socket_base::reuse_address>().value());
#if TEST_HAS_REUSE_PORT
    CHECK(sockets.set(socket_base::reuse_port(true)));
    CHECK(sockets.get<socket_base::reuse_port>().value());
#endif
    CHECK(sockets.set(socket_base::broadcast(true)));
    CHECK(sockets.get<socket_base::broadcast>().value());
    CHECK(sockets.set(socket_base::do_not_route(true)));
    CHECK(sockets.get<socket_base::do_not_route>().value());
    CHECK(sockets.set(socket_base::out_of_band_inline(true)));
    CHECK(sockets.get<socket_base::out_of_band_inline>().value());
    CHECK(sockets.set(socket_base::receive_buffer_size(8192)));
    CHECK(sockets.get<socket_base::receive_buffer_size>().value() >= 8192);
    CHECK(sockets.set(socket_base::send_buffer_size(8192)));
    CHECK(sockets.get<socket_base::send_buffer_size>().value() >= 8192);
#if TEST_HAS_LOW_WATERMARKS
    CHECK(sockets.set(socket_base::receive_low_watermark(2)));
    CHECK(sockets.get<socket_base::receive_low_watermark>().value() == 2);
    CHECK(sockets.get<socket_base::send_low_watermark>().value() >= 1);
#endif
    CHECK_FALSE(sockets.get<socket_base::debug>().value());
    CHECK(sockets.set(socket_base::linger(true, 5)));
    CHECK(sockets.get<socket_base::linger>().enabled());
    CHECK(sockets.get<socket_base::linger>().timeout() == 5);
    CHECK_FALSE(sockets.set(socket_base::enable_connection_aborted(true)));
}

TEST_CASE("bytes_readable asks for what can be received at once", "[io][socket_base]") {
    const pair_of_sockets sockets;
    socket_base::bytes_readable command(99);
    CHECK(command.get() == 99);
    REQUIRE(bare::control(sockets.first(), command.name(), command.data()));
    CHECK(command.get() == 0);
    REQUIRE(bare::send(sockets.second(), "abc", 3) == 3);
    REQUIRE(bare::control(sockets.first(), command.name(), command.data()));
    CHECK(command.get() == 3);
    command.set(0);
    CHECK(command.get() == 0);
}
