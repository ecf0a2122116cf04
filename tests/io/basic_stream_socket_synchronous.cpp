// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_stream_socket.hpp>

#include "loopback.hpp"

#include <rill/local/connect_pair.hpp>

#include <support/bare_sockets.hpp>
#include <support/capabilities.hpp>

#include <array>
#include <atomic>
#include <thread>

using namespace loopback;
using rill::buffer;
using rill::error_code;
namespace error = rill::error;

namespace {

bool is_bad(const error_code& ec) { return ec == error::bad_descriptor; }

/// The code that @p call throws.
template <class Call>
error_code thrown(Call call) {
    try {
        call();
    } catch (const rill::system_error& e) {
        return e.code();
    }
    return error_code();
}

/// Gives the other thread time to block, most of the time; nothing depends on it.
template <class Call>
void while_blocked(Call call) {
    for (int i = 0; i < 1000; ++i)
        std::this_thread::yield();
    call();
}

}  // namespace

TEST_CASE("every synchronous form transfers", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    char data[16];
    error_code ec = error::eof;
    CHECK(pair.first.send(buffer("ab", 2)) == 2);
    CHECK(pair.first.send(std::array{buffer("c", 1), buffer("d", 1)}, 0) == 2);
    CHECK(pair.first.send(buffer("ef", 2), 0, ec) == 2);
    CHECK_FALSE(ec);
    CHECK(pair.first.write_some(buffer("gh", 2)) == 2);
    ec = error::eof;
    CHECK(pair.first.write_some(buffer("ij", 2), ec) == 2);
    CHECK_FALSE(ec);
    CHECK(pair.second.receive(buffer(data, 2)) == 2);
    CHECK(pair.second.receive(std::array{buffer(data, 1), buffer(data + 1, 1)}, 0) == 2);
    ec = error::eof;
    CHECK(pair.second.receive(buffer(data, 2), 0, ec) == 2);
    CHECK_FALSE(ec);
    CHECK(pair.second.read_some(buffer(data, 2)) == 2);
    ec = error::eof;
    CHECK(pair.second.read_some(buffer(data, 2), ec) == 2);
    CHECK_FALSE(ec);
    pair.first.close();
    CHECK(thrown([&] { pair.second.receive(buffer(data)); }) == error::eof);
    CHECK(thrown([&] { pair.second.read_some(buffer(data)); }) == error::eof);
    CHECK(pair.second.receive(buffer(data), 0, ec) == 0);
    CHECK(ec == error::eof);
}

TEST_CASE("a closed socket answers bad_descriptor, whatever it is asked", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::socket socket(io);
    CHECK_FALSE(socket.is_open());
    const bool was_open = GENERATE(true, false);
    if (was_open) {
        socket.open(tcp::v4());
        socket.non_blocking(true);
        socket.close();
        CHECK_FALSE(socket.non_blocking());
        CHECK_FALSE(socket.native_non_blocking());
    }
    char data[4];
    error_code ec;
    auto check = [&](auto call) {
        ec = error_code();
        call();
        CHECK(is_bad(ec));
    };
    tcp::socket::keep_alive option;
    tcp::socket::enable_connection_aborted own_option(true);
    tcp::socket::bytes_readable command;
    check([&] { socket.send(buffer(data), 0, ec); });
    check([&] { socket.receive(buffer(data), 0, ec); });
    check([&] { socket.write_some(buffer(data), ec); });
    check([&] { socket.read_some(buffer(data), ec); });
    check([&] { socket.write_some(rill::const_buffer(), ec); });
    check([&] { socket.read_some(rill::mutable_buffer(), ec); });
    check([&] { socket.cancel(ec); });
    check([&] { socket.at_mark(ec); });
    check([&] { CHECK(socket.available(ec) == 0); });
    check([&] { socket.bind(any_port(), ec); });
    check([&] { socket.set_option(option, ec); });
    check([&] { socket.get_option(option, ec); });
    check([&] { socket.set_option(own_option, ec); });
    check([&] { socket.get_option(own_option, ec); });
    check([&] { socket.io_control(command, ec); });
    check([&] { socket.non_blocking(true, ec); });
    check([&] { socket.native_non_blocking(true, ec); });
    check([&] { CHECK(socket.local_endpoint(ec) == tcp::endpoint()); });
    check([&] { CHECK(socket.remote_endpoint(ec) == tcp::endpoint()); });
    check([&] { socket.shutdown(tcp::socket::shutdown_both, ec); });
    check([&] { socket.wait(tcp::socket::wait_read, ec); });
    check([&] { socket.release(ec); });
    check([&] { ec = thrown([&] { socket.send(buffer(data)); }); });
    check([&] { ec = thrown([&] { socket.receive(buffer(data)); }); });
    check([&] { ec = thrown([&] { socket.cancel(); }); });
    check([&] { ec = thrown([&] { socket.at_mark(); }); });
    check([&] { ec = thrown([&] { socket.available(); }); });
    check([&] { ec = thrown([&] { socket.bind(any_port()); }); });
    check([&] { ec = thrown([&] { socket.set_option(option); }); });
    check([&] { ec = thrown([&] { socket.get_option(option); }); });
    check([&] { ec = thrown([&] { socket.io_control(command); }); });
    check([&] { ec = thrown([&] { socket.non_blocking(false); }); });
    check([&] { ec = thrown([&] { socket.native_non_blocking(false); }); });
    check([&] { ec = thrown([&] { socket.local_endpoint(); }); });
    check([&] { ec = thrown([&] { socket.remote_endpoint(); }); });
    check([&] { ec = thrown([&] { socket.shutdown(tcp::socket::shutdown_send); }); });
    check([&] { ec = thrown([&] { socket.wait(tcp::socket::wait_write); }); });
    check([&] { ec = thrown([&] { socket.release(); }); });
    check([&] { ec = thrown([&] { socket.assign(tcp::v4(), -1); }); });
    ec = error::eof;
    socket.close(ec);
    CHECK_FALSE(ec);

    answer answers[5];
    socket.async_write_some(buffer(data), answers[0].handler());
    socket.async_read_some(buffer(data), answers[1].handler());
    socket.async_wait(tcp::socket::wait_read, answers[2].handler());
    socket.async_write_some(rill::const_buffer(), answers[3].handler());
    socket.async_receive(buffer(data), tcp::socket::message_out_of_band, answers[4].handler());
    run(io);
    for (const answer& a : answers) {
        CHECK(a.calls == 1);
        CHECK(is_bad(a.ec));
    }
}

TEST_CASE("a socket that is open is not opened again", "[io][basic_stream_socket]") {
    rill::io_context io;
    tcp::socket socket(io, tcp::v4());
    const bare::handle native = socket.native_handle();
    error_code ec;
    socket.open(tcp::v6(), ec);
    CHECK(ec == error::already_open);
    CHECK(thrown([&] { socket.open(tcp::v4()); }) == error::already_open);
    CHECK(thrown([&] { socket.assign(tcp::v4(), 0); }) == error::already_open);
    CHECK(socket.native_handle() == native);
}

TEST_CASE("a socket that does not block says would_block instead of waiting", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    CHECK_FALSE(pair.first.non_blocking());
    CHECK(pair.first.native_non_blocking());
    pair.first.non_blocking(true);
    CHECK(pair.first.non_blocking());
    char data[4];
    error_code ec;
    CHECK(pair.first.read_some(buffer(data), ec) == 0);
    CHECK(ec == error::would_block);
    pair.first.wait(tcp::socket::wait_read, ec);
    CHECK(ec == error::would_block);
    pair.first.wait(tcp::socket::wait_write, ec);
    CHECK_FALSE(ec);
    fill(pair.first);
    CHECK(pair.first.write_some(buffer("abc", 3), ec) == 0);
    CHECK(ec == error::would_block);

    // What the user has asked for rules out that the native socket blocks.
    pair.first.native_non_blocking(false, ec);
    CHECK(ec == error::invalid_argument);
    CHECK(pair.first.native_non_blocking());

    // Asynchronous operations do not care.
    answer read;
    pair.first.async_read_some(buffer(data), read.handler());
    io.poll();
    CHECK(read.calls == 0);
    pair.second.send(buffer("x", 1));
    run(io);
    CHECK(read.succeeded());

    pair.first.non_blocking(false);
    CHECK_FALSE(pair.first.non_blocking());
    CHECK(pair.first.native_non_blocking());
}

TEST_CASE("the native socket may be made to block, until it is used asynchronously", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
#if TEST_HAS_DESCRIPTORS
    auto native_flag = [&] { return bare::is_non_blocking(pair.first.native_handle()); };
#else
    auto native_flag = [&] { return pair.first.native_non_blocking(); };
#endif
    CHECK(native_flag());
    pair.first.native_non_blocking(false);
    CHECK_FALSE(native_flag());
    CHECK_FALSE(pair.first.native_non_blocking());
    char data[4];
    pair.second.send(buffer("x", 1));
    CHECK(pair.first.read_some(buffer(data)) == 1);
    answer read;
    pair.first.async_read_some(buffer(data), read.handler());
    CHECK(native_flag());
    io.poll();
    CHECK(read.calls == 0);
    pair.second.send(buffer("x", 1));
    run(io);
    CHECK(read.succeeded());
}

TEST_CASE("synchronous operations wait for what another thread does", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    if (GENERATE(true, false))
        pair.first.native_non_blocking(false);
    char data[4];
    {
        std::thread writer([&] { while_blocked([&] { pair.second.send(buffer("abc", 3)); }); });
        CHECK(pair.first.receive(buffer(data)) == 3);
        writer.join();
    }
    {
        std::thread writer([&] { while_blocked([&] { pair.second.send(buffer("abc", 3)); }); });
        pair.first.wait(tcp::socket::wait_read);
        writer.join();
        CHECK(pair.first.available() == 3);
    }
    fill(pair.first);
    {
        std::thread reader([&] { while_blocked([&] { drain(pair.second); }); });
        std::string more(65536, 'm');
        CHECK(pair.first.send(buffer(more)) > 0);
        reader.join();
    }
    drain(pair.second);
    drain(pair.first);
    fill(pair.second);
    {
        std::thread reader([&] { while_blocked([&] { drain(pair.first); }); });
        pair.second.wait(tcp::socket::wait_write);
        reader.join();
    }
    {
        std::thread writer(
            [&] { while_blocked([&] { pair.second.send(buffer("U", 1), tcp::socket::message_out_of_band); }); });
        pair.first.wait(tcp::socket::wait_error);
        writer.join();
        char urgent = 0;
        CHECK(pair.first.receive(buffer(&urgent, 1), tcp::socket::message_out_of_band) == 1);
        CHECK(urgent == 'U');
    }
}

TEST_CASE("available() and at_mark() look at what has come", "[io][basic_stream_socket]") {
    rill::io_context io;
    tcp_pair pair(io);
    error_code ec = error::eof;
    CHECK(pair.first.available() == 0);
    CHECK(pair.first.available(ec) == 0);
    CHECK_FALSE(ec);
    CHECK(pair.first.at_mark() == TEST_TELLS_MARK_IF_NONE_COMES);
    pair.second.send(buffer("abc", 3));
    pair.first.wait(tcp::socket::wait_read);
    CHECK(pair.first.available() == 3);
    CHECK(pair.first.at_mark() == TEST_TELLS_MARK_IF_NONE_COMES);
    pair.second.send(buffer("U", 1), tcp::socket::message_out_of_band);
    pair.first.wait(tcp::socket::wait_error);
    char data[8];
    CHECK(pair.first.receive(buffer(data)) == 3);
    ec = error::eof;
#if !TEST_TELLS_MARK_IF_NONE_COMES
    CHECK(pair.first.at_mark(ec));
    CHECK_FALSE(ec);
#endif
}

TEST_CASE("shutdown ends one direction", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    char data[4];
    answer read;
    pair.first.async_read_some(buffer(data), read.handler());
    io.poll();
    pair.second.shutdown(tcp::socket::shutdown_send);
    run(io);
    CHECK(read.ec == error::eof);
    error_code ec;
    pair.second.write_some(buffer("x", 1), ec);
    CHECK(ec == error::broken_pipe);
    CHECK(pair.first.write_some(buffer("x", 1)) == 1);
    CHECK(pair.second.read_some(buffer(data)) == 1);

    answer own_read;
    pair.second.async_read_some(buffer(data), own_read.handler());
    io.restart();
    io.poll();
    pair.second.shutdown(tcp::socket::shutdown_receive);
    run(io);
    CHECK(own_read.ec == error::eof);

    tcp::socket unconnected(io, tcp::v4());
    unconnected.shutdown(tcp::socket::shutdown_both, ec);
    CHECK(ec == error::not_connected);
}

TEST_CASE("operations on an unconnected socket report what the system says", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::socket socket(io, tcp::v4());
    char data[4];
    answer read, write;
    socket.async_read_some(buffer(data), read.handler());
    socket.async_write_some(buffer(data), write.handler());
    run(io);
    CHECK(read.ec == error::not_connected);
    CHECK(write.ec);  // broken_pipe, not_connected, ...
    error_code ec;
    socket.read_some(buffer(data), ec);
    CHECK(ec == error::not_connected);
    CHECK(thrown([&] { socket.remote_endpoint(); }) == error::not_connected);
}
