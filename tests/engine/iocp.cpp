// SPDX-License-Identifier: BSL-1.0
#include <support/capabilities.hpp>

#if TEST_HAS_COMPLETION_PORTS

#include <rill/engine/driver/iocp.hpp>

#include <rill/context/io_context.hpp>
#include <rill/core/buffer.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/ip/tcp.hpp>

#include <support/catch.hpp>
#include <support/soon.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

// What this driver does otherwise than those that wait for readiness: see iocp.hpp. All else is tested with the objects that
// use it.

using namespace std::chrono_literals;
using rill::buffer;
using rill::error_code;
using rill::ip::tcp;
namespace error = rill::error;
namespace system_calls = rill::engine::system;

namespace {

struct pair_of_sockets {
    explicit pair_of_sockets(rill::io_context& io) : first(io), second(io) {
        tcp::acceptor acceptor(io, {rill::ip::address_v4::loopback(), 0});
        first.connect(acceptor.local_endpoint());
        acceptor.accept(second);
    }
    tcp::socket first, second;
};

int any_hint() { return GENERATE(1, 2); }

}  // namespace

TEST_CASE("what the layers of the system call differently has one number", "[engine][iocp]") {
    const auto of_number = [](int number) {
        return system_calls::make_system_error(system_calls::portable_error(number));
    };
    CHECK(of_number(ERROR_NETNAME_DELETED) == error::connection_reset);
    CHECK(of_number(676) == error::operation_aborted);
    CHECK(of_number(995) == error::operation_aborted);
    CHECK(of_number(1225) == error::connection_refused);
    CHECK(of_number(1234) == error::connection_refused);
    CHECK(of_number(1236) == error::connection_aborted);
    CHECK(of_number(1231) == error::network_unreachable);
    CHECK(of_number(1232) == error::host_unreachable);
    CHECK(of_number(121) == error::timed_out);
    CHECK(of_number(234) == error::message_size);
    CHECK(system_calls::portable_error(WSAEADDRINUSE) == WSAEADDRINUSE);
    const auto of_status = [](unsigned status) {
        return system_calls::make_system_error(system_calls::portable_error_of_status(static_cast<long>(status)));
    };
    CHECK(of_status(0xC0000120u) == error::operation_aborted);    // STATUS_CANCELLED
    CHECK(of_status(0xC000020Du) == error::connection_reset);     // STATUS_CONNECTION_RESET
    CHECK(of_status(0xC0000236u) == error::connection_refused);   // STATUS_CONNECTION_REFUSED
    CHECK(of_status(0xC0000241u) == error::connection_aborted);   // STATUS_CONNECTION_ABORTED
    CHECK(of_status(0xC000023Du) == error::host_unreachable);     // STATUS_HOST_UNREACHABLE
    CHECK(of_status(0xC000023Cu) == error::network_unreachable);  // STATUS_NETWORK_UNREACHABLE
}

TEST_CASE("reads that wait take the bytes in the order in which they were started", "[engine][iocp]") {
    rill::io_context io(any_hint());
    pair_of_sockets pair(io);
    constexpr int count = 50;
    std::string got(count, 0);
    std::vector<int> order;
    for (int i = 0; i < count; ++i)
        pair.first.async_read_some(buffer(&got[static_cast<std::size_t>(i)], 1), [&, i](error_code ec, std::size_t n) {
            if (!ec && n == 1)
                order.push_back(i);
        });
    io.poll();
    std::string sent;
    for (int i = 0; i < count; ++i)
        sent += static_cast<char>('A' + i);
    pair.second.send(buffer(sent));
    io.restart();
    io.run();
    CHECK(got == sent);
    REQUIRE(order.size() == count);
    CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("a shutdown of the reading side ends a read that waits", "[engine][iocp]") {
    rill::io_context io(any_hint());
    pair_of_sockets pair(io);
    char data = 0;
    error_code result;
    pair.first.async_read_some(buffer(&data, 1), [&](error_code ec, std::size_t) { result = ec; });
    io.poll();
    pair.first.shutdown(tcp::socket::shutdown_receive);
    io.restart();
    CHECK(io.run_for(10s) == 1);
    CHECK(result == error::eof);
}

TEST_CASE("a socket that was released comes back to its context", "[engine][iocp]") {
    rill::io_context io(any_hint());
    pair_of_sockets pair(io);
    char data = 0;
    for (int round = 0; round < 3; ++round) {
        bool read = false;
        pair.first.async_read_some(buffer(&data, 1), [&](error_code ec, std::size_t) { read = !ec; });
        pair.second.send(buffer("x", 1));
        io.restart();
        io.run_for(10s);
        CHECK(read);
        const auto native = pair.first.release();
        pair.first.assign(tcp::v4(), native);
    }
}

TEST_CASE("what a read that was cancelled had taken is not lost", "[engine][iocp]") {
    rill::io_context io(1);
    pair_of_sockets pair(io);
    char data = 0;
    error_code result = error::fault;
    std::size_t bytes = 0;
    pair.first.async_read_some(buffer(&data, 1), [&](error_code ec, std::size_t n) {
        result = ec;
        bytes = n;
    });
    io.poll();
    pair.second.send(buffer("x", 1));
    std::this_thread::sleep_for(20ms);  // the kernel takes it; if it is slow, the test proves less
    pair.first.cancel();
    io.restart();
    io.run();
    if (result == error::operation_aborted) {
        CHECK(bytes == 0);
        CHECK(pair.first.receive(buffer(&data, 1)) == 1);
    } else {
        CHECK_FALSE(result);
        CHECK(bytes == 1);
    }
    CHECK(data == 'x');
}

TEST_CASE("a context that dies with everything under way waits for the kernel", "[engine][iocp]") {
    for (int round = 0; round < 20; ++round) {
        std::optional<rill::io_context> io(std::in_place, any_hint());
        tcp::acceptor acceptor(*io, {rill::ip::address_v4::loopback(), 0});
        pair_of_sockets pair(*io);
        int called = 0;
        std::vector<char> memory(100);
        for (char& each : memory)
            pair.first.async_read_some(buffer(&each, 1), [&](error_code, std::size_t) { ++called; });
        for (int i = 0; i < 5; ++i) {
            acceptor.async_accept([&](error_code, tcp::socket) { ++called; });
            pair.second.async_wait(tcp::socket::wait_read, [&](error_code) { ++called; });
        }
        io->poll();
        if (round % 2)
            pair.second.send(buffer("abc", 3));
        io.reset();
        memory = {};
        CHECK(called == 0);
    }
}

TEST_CASE("many threads wait for one timer, and one of them is woken by it in time", "[engine][iocp]") {
    rill::io_context io;
    rill::steady_timer timer(io);
    std::atomic<int> fired{0};
    const auto work = rill::require(io.get_executor(), rill::execution::outstanding_work.tracked);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] { io.run(); });
    bool in_time = true;
    for (int i = 0; i < 20 && in_time; ++i) {
        timer.expires_after(1ms);
        timer.async_wait([&](error_code ec) { fired += !ec; });
        in_time = soon([&] { return fired == i + 1; });
    }
    io.stop();
    for (std::thread& t : threads)
        t.join();
    CHECK(in_time);
}

#endif
