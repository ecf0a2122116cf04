// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_socket.hpp>

#include "loopback.hpp"

#include <support/bare_sockets.hpp>
#include <support/capabilities.hpp>

#include <rill/compose/write.hpp>
#include <rill/local/stream_protocol.hpp>

#include <atomic>
#include <list>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace loopback;
using rill::buffer;
using rill::error_code;
using local = rill::local::stream_protocol;
namespace error = rill::error;

namespace {

template <class Call>
error_code thrown(Call call) {
    try {
        call();
    } catch (const rill::system_error& e) {
        return e.code();
    }
    return error_code();
}

/// Sets an option and reads it back, both ways of reporting.
template <class Option>
Option set_and_get(tcp::socket& socket, const Option& option) {
    error_code ec = error::eof;
    socket.set_option(option, ec);
    CHECK_FALSE(ec);
    socket.set_option(option);
    Option result;
    ec = error::eof;
    socket.get_option(result, ec);
    CHECK_FALSE(ec);
    Option thrown_result;
    socket.get_option(thrown_result);
    return result;
}

template <class Option>
bool switches(tcp::socket& socket) {
    const bool on = set_and_get(socket, Option(true)).value();
    const bool off = !set_and_get(socket, Option(false)).value();
    return on && off;
}

/// A port of the loopback interface that nobody listens on.
tcp::endpoint unused_port() {
    rill::io_context io;
    tcp::acceptor acceptor(io, any_port());
    return acceptor.local_endpoint();
}

/// A listener that answers no more attempts to connect, because its queue is full.
struct full_listener {
    explicit full_listener(rill::io_context& io) : acceptor(io, tcp::v4()) {
        acceptor.bind(any_port());
        acceptor.listen(0);
        // How many it takes depends on the system. Linux drops the attempts that are too many, and goes on trying.
        for (int i = 0; i < 4; ++i) {
            fillers.emplace_back(io, tcp::v4());
            fillers.back().non_blocking(true);
            error_code ec;
            fillers.back().connect(acceptor.local_endpoint(), ec);
        }
    }
    tcp::acceptor acceptor;
    std::list<tcp::socket> fillers;
};

}  // namespace

TEST_CASE("every option is set and read back", "[io][basic_socket]") {
    rill::io_context io;
    tcp::socket socket(io, tcp::v4());
    using base = rill::socket_base;
    CHECK(switches<base::broadcast>(socket));
#if TEST_HAS_DO_NOT_ROUTE
    CHECK(switches<base::do_not_route>(socket));
#endif
    CHECK(switches<base::keep_alive>(socket));
    CHECK(switches<base::out_of_band_inline>(socket));
    CHECK(switches<base::reuse_address>(socket));
    CHECK(switches<base::enable_connection_aborted>(socket));
    CHECK(switches<tcp::no_delay>(socket));
    CHECK(set_and_get(socket, base::receive_buffer_size(8192)).value() >= 8192);
    CHECK(set_and_get(socket, base::send_buffer_size(8192)).value() >= 8192);
    const base::linger linger = set_and_get(socket, base::linger(true, 7));
    CHECK(linger.enabled());
    CHECK(linger.timeout() == 7);

    // Linux lets privileged processes only change this one, and nobody the watermark for sending.
    error_code ec;
    base::debug debug;
    socket.get_option(debug, ec);
    CHECK_FALSE(ec);
    socket.set_option(base::debug(false), ec);
    CHECK((!ec || ec == error::access_denied));
#if TEST_HAS_LOW_WATERMARKS
    CHECK(set_and_get(socket, base::receive_low_watermark(3)).value() == 3);
    base::send_low_watermark watermark;
    socket.get_option(watermark);
    CHECK(watermark.value() >= 1);
    socket.set_option(base::send_low_watermark(4), ec);
    CHECK(ec == error::no_protocol_option);
    CHECK(thrown([&] { socket.set_option(base::send_low_watermark(4)); }) == error::no_protocol_option);
#endif

#if TEST_HAS_LOCAL_SOCKETS
    local::socket other(io, local());
    tcp::no_delay no_delay;
    other.set_option(no_delay, ec);
    CHECK(ec == error::operation_not_supported);
#endif
}

#if TEST_HAS_LOW_WATERMARKS
TEST_CASE("a read respects the low watermark", "[io][basic_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    pair.first.set_option(tcp::socket::receive_low_watermark(3));
    char data[8];
    answer read, again;
    pair.first.async_read_some(buffer(data), read.handler());
    io.poll();
    pair.second.send(buffer("ab", 2));
    while (pair.first.available() < 2)
        std::this_thread::yield();
    io.poll();
    CHECK(read.calls == 0);
    pair.second.send(buffer("c", 1));
    run(io);
    CHECK(read.bytes == 3);
    pair.first.set_option(tcp::socket::receive_low_watermark(1));
    pair.first.async_read_some(buffer(data), again.handler());
    pair.second.send(buffer("d", 1));
    run(io);
    CHECK(again.bytes == 1);
}
#endif

TEST_CASE("a command asks how much there is to read", "[io][basic_socket]") {
    rill::io_context io;
    tcp_pair pair(io);
    pair.second.send(buffer("abc", 3));
    pair.first.wait(tcp::socket::wait_read);
    tcp::socket::bytes_readable command;
    pair.first.io_control(command);
    CHECK(command.get() == 3);
    error_code ec = error::eof;
    pair.first.io_control(command, ec);
    CHECK_FALSE(ec);
}

TEST_CASE("a socket knows its two endpoints", "[io][basic_socket]") {
    rill::io_context io;
    error_code ec = error::eof;
    tcp_pair pair(io);
    CHECK(pair.first.local_endpoint() == pair.second.remote_endpoint());
    CHECK(pair.second.local_endpoint(ec) == pair.first.remote_endpoint());
    CHECK_FALSE(ec);
    tcp::socket bound(io, any_port());
    CHECK(bound.local_endpoint().port() != 0);
    CHECK(bound.local_endpoint().address() == rill::ip::address_v4::loopback());
    CHECK(bound.remote_endpoint(ec) == tcp::endpoint());
    CHECK(ec == error::not_connected);
    CHECK(thrown([&] { bound.bind(any_port()); }) == error::invalid_argument);
    CHECK(thrown([&] { tcp::socket(io, bound.local_endpoint()); }) == error::address_in_use);
    CHECK(&bound.lowest_layer() == &bound);
    CHECK(bound.get_executor() == io.get_executor());
}

TEST_CASE("connecting opens the socket, or uses it as it is", "[io][basic_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::acceptor acceptor(io, any_port());
    const bool closed = GENERATE(true, false);
    const bool asynchronous = GENERATE(true, false);
    tcp::socket socket(io), peer(io);
    if (!closed) {
        socket.open(tcp::v4());
        socket.bind(any_port());
    }
    answer connect;
    if (asynchronous) {
        socket.async_connect(acceptor.local_endpoint(), connect.handler());
        CHECK(socket.is_open());
        CHECK(connect.calls == 0);
        run(io);
        CHECK(connect.succeeded());
    } else {
        socket.connect(acceptor.local_endpoint());
    }
    tcp::endpoint client;
    acceptor.accept(peer, client);
    CHECK(client == socket.local_endpoint());
    CHECK(socket.remote_endpoint() == acceptor.local_endpoint());

    // Writing works from the first moment, and so does reading.
    char data[4];
    answer read, write;
    socket.async_read_some(buffer(data), read.handler());
    peer.async_write_some(buffer("x", 1), write.handler());
    run(io);
    CHECK(read.succeeded());

    error_code ec;
    socket.connect(acceptor.local_endpoint(), ec);
    if (!ec)
        socket.connect(acceptor.local_endpoint(),
                       ec);  // Linux answers the first call after an attempt with its outcome
    CHECK(ec == error::already_connected);
    answer again;
    socket.async_connect(acceptor.local_endpoint(), again.handler());
    run(io);
    CHECK(again.ec == error::already_connected);
}

TEST_CASE("a connection to a port without a listener is refused", "[io][basic_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    const tcp::endpoint nobody = unused_port();
    tcp::socket socket(io);
    CHECK(thrown([&] { socket.connect(nobody); }) == error::connection_refused);
    CHECK(socket.is_open());
    socket.close();
    error_code ec;
    socket.connect(nobody, ec);
    CHECK(ec == error::connection_refused);
    socket.close();
    answer refused;
    socket.async_connect(nobody, refused.handler());
    run(io);
    CHECK(refused.calls == 1);
    CHECK(refused.ec == error::connection_refused);

    // Closed, the same socket may try again. (What else it may do POSIX leaves open.)
    socket.close();
    tcp::acceptor acceptor(io, any_port());
    answer connect;
    socket.async_connect(acceptor.local_endpoint(), connect.handler());
    run(io);
    CHECK(connect.succeeded());
#if TEST_HAS_LOCAL_SOCKETS
    local::socket no_file(io);
    no_file.connect(local::endpoint("/nowhere/at/all"), ec);
    CHECK(ec.value() == ENOENT);
    answer no_file_answer;
    no_file.async_connect(local::endpoint("/nowhere/at/all"), no_file_answer.handler());
    run(io);
    CHECK(no_file_answer.ec.value() == ENOENT);
#endif
}

TEST_CASE("an endpoint of another family is reported to the handler of the connect", "[io][basic_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::socket socket(io, tcp::v4());
    answer wrong_family;
    socket.async_connect(tcp::endpoint(rill::ip::address_v6::loopback(), 1), wrong_family.handler());
    run(io);
    CHECK(wrong_family.ec == error::address_family_not_supported);
    error_code ec;
    socket.connect(tcp::endpoint(rill::ip::address_v6::loopback(), 1), ec);
    CHECK((ec == error::address_family_not_supported || ec == error::operation_not_supported));  // the latter: Wine
}

TEST_CASE("an attempt to connect is cancelled", "[io][basic_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    full_listener listener(io);
    tcp::socket socket(io);
    answer connect;
    rill::cancellation_signal signal;
    socket.async_connect(listener.acceptor.local_endpoint(), connect.handler(signal));
    const bool started = GENERATE(true, false);
    if (started) {
        io.poll();
        REQUIRE(connect.calls == 0);
    }
    switch (GENERATE(0, 1, 2, 3)) {
    case 0: signal.emit(rill::cancellation_type::terminal); break;
    case 1: signal.emit(rill::cancellation_type::total); break;
    case 2: socket.cancel(); break;
    default: socket.close(); break;
    }
    CHECK(connect.calls == 0);
    run(io);
    CHECK(connect.aborted());
    socket.close();

    tcp::acceptor other(io, any_port());
    answer again;
    socket.async_connect(other.local_endpoint(), again.handler());
    run(io);
    CHECK(again.succeeded());
}

TEST_CASE("a write that is started with the connect waits for it", "[io][basic_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::acceptor acceptor(io, any_port());
    tcp::socket socket(io);
    answer connect, write, read;
    char data[4];
    socket.async_connect(acceptor.local_endpoint(), connect.handler());
    socket.async_write_some(buffer("abc", 3), write.handler());
    run(io);
    CHECK(connect.succeeded());
    CHECK(write.succeeded());
    tcp::socket peer = acceptor.accept();
    peer.async_read_some(buffer(data), read.handler());
    run(io);
    CHECK(read.bytes == 3);
}

TEST_CASE("a connect in the middle of others does not stop them", "[io][basic_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::acceptor acceptor(io, any_port());
    constexpr int count = 50;
    std::vector<tcp::socket> sockets, accepted;
    int connected = 0, refused = 0;
    for (int i = 0; i < count; ++i) {
        sockets.emplace_back(io);
        acceptor.async_accept([&](error_code ec, tcp::socket s) {
            if (!ec)
                accepted.push_back(std::move(s));
        });
    }
    const tcp::endpoint nobody = unused_port();
    for (int i = 0; i < count; ++i) {
        auto count_it = [&](error_code ec) { ++(ec ? refused : connected); };
        sockets[static_cast<std::size_t>(i)].async_connect(i % 2 ? nobody : acceptor.local_endpoint(), count_it);
    }
    CHECK(run_until(io, [&] { return accepted.size() == count / 2 && connected + refused == count; }));
    CHECK(connected == count / 2);
    CHECK(refused == count / 2);
    acceptor.cancel();
    run(io);
    CHECK(accepted.size() == count / 2);
}

#if TEST_HAS_LOCAL_SOCKETS
TEST_CASE("connecting to a local listener whose queue is full waits, or says so", "[io][basic_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    const std::string name = std::string(1, '\0') + "rill-full-" + std::to_string(::getpid());
    local::acceptor acceptor(io, local());
    acceptor.bind(local::endpoint(name));
    acceptor.listen(0);
    std::list<local::socket> fillers;
    error_code ec;
    while (!ec && fillers.size() < 10) {
        fillers.emplace_back(io, local());
        fillers.back().non_blocking(true);
        fillers.back().connect(local::endpoint(name), ec);
    }
    CHECK(ec == error::try_again);
    const std::size_t queued = fillers.size() - 1;
    local::socket asynchronous(io);
    answer connect;
    asynchronous.async_connect(local::endpoint(name), connect.handler());
    run(io);
    CHECK(connect.ec == error::try_again);

    local::socket waiting(io);
    std::atomic<bool> connected{false};
    std::thread connecting([&] {
        waiting.connect(local::endpoint(name));
        connected = true;
    });
    std::size_t accepted = 0;
    for (; accepted <= queued; ++accepted)
        acceptor.accept();
    connecting.join();
    CHECK(connected);
    CHECK(waiting.native_non_blocking());
}
#endif

TEST_CASE("a socket waits to be ready in each way", "[io][basic_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    answer read, write, exceptional, second_read;
    pair.first.async_wait(tcp::socket::wait_write, write.handler());
    CHECK(write.calls == 0);
    run(io);
    CHECK(write.succeeded());

    const std::size_t filled = fill(pair);
    answer room;
    pair.first.async_wait(tcp::socket::wait_read, read.handler());
    pair.first.async_wait(tcp::socket::wait_read, second_read.handler());
    pair.first.async_wait(tcp::socket::wait_error, exceptional.handler());
    pair.first.async_wait(tcp::socket::wait_write, room.handler());
    io.restart();
    io.poll();
    CHECK(read.calls + second_read.calls + exceptional.calls + room.calls == 0);
    pair.second.send(buffer("x", 1));
    CHECK(run_until(io, [&] { return read.calls + second_read.calls == 2; }));
    CHECK(read.succeeded());
    CHECK(second_read.succeeded());
    CHECK(exceptional.calls + room.calls == 0);
    CHECK(pair.first.available() == 1);
    std::size_t drained = 0;
    while (drained < filled)
        drained += drain(pair.second);
    CHECK(run_until(io, [&] { return room.calls != 0; }));
    CHECK(room.succeeded());
    CHECK(exceptional.calls == 0);
    pair.second.send(buffer("U", 1), tcp::socket::message_out_of_band);
    run(io);
    CHECK(exceptional.succeeded());
}

TEST_CASE("waiting in several directions ends with the connection", "[io][basic_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    fill(pair.first);
    answer waits[3], read, write;
    char data[4];
    pair.first.async_wait(tcp::socket::wait_error, waits[0].handler());
    pair.first.async_wait(tcp::socket::wait_write, waits[1].handler());
    pair.first.async_wait(tcp::socket::wait_read, waits[2].handler());
    pair.first.async_read_some(buffer(data), read.handler());
    // More than there can be room for: the system may still make some.
    const std::string much(32 * 1024 * 1024, 'w');
    rill::async_write(pair.first, buffer(much), write.handler());
    io.poll();
    pair.second.set_option(tcp::socket::linger(true, 0));
    pair.second.close();  // with a reset
    run(io);
    for (const answer& wait : waits)
        CHECK(wait.succeeded());
    CHECK(read.calls == 1);
    CHECK(read.ec);
    CHECK(write.calls == 1);
    CHECK(write.ec);
    CHECK((read.ec == error::connection_reset || write.ec == error::connection_reset));
}
