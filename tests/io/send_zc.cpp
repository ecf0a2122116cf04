// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_stream_socket.hpp>

#include "loopback.hpp"

#include <rill/local/connect_pair.hpp>

#include <support/capabilities.hpp>
#include <support/child_process.hpp>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#if TEST_HAS_IO_URING
#include <sys/utsname.h>
#endif

using namespace loopback;
using rill::buffer;
using rill::error_code;
using local = rill::local::stream_protocol;
namespace error = rill::error;

namespace {

/// Whether bytes are sent from where they lie.
bool sends_without_copy(rill::io_context& io) {
#if TEST_HAS_IO_URING
    const char* wishes = std::getenv("RILL_IO_URING");
    const std::string_view w = wishes ? wishes : "";
    ::utsname system{};
    ::uname(&system);
    int major = 0, minor = 0;
    std::sscanf(system.release, "%d.%d", &major, &minor);
    return std::string_view(io.backend_name()) == "io_uring" && w.find("oldest") == w.npos &&
           w.find("polled") == w.npos && (major > 6 || (major == 6 && minor >= 1));
#else
    static_cast<void>(io);
    return false;
#endif
}

constexpr std::size_t large = 400'000;

/// More than the second takes in before somebody reads there, less than the first takes.
struct slow_pair : tcp_pair {
    explicit slow_pair(rill::io_context& io) : tcp_pair(io) {
        // Room for a whole segment of the loopback interface: less opens and shuts at the speed of a timer.
        second.set_option(tcp::socket::receive_buffer_size(100'000));
        first.set_option(tcp::socket::send_buffer_size(4 * large));
    }
};

std::string some_bytes(std::size_t n, unsigned seed = 1) {
    std::string s(n, 0);
    for (std::size_t i = 0; i < n; ++i)
        s[i] = static_cast<char>((i * 2654435761u + seed) >> 9);
    return s;
}

}  // namespace

TEST_CASE("async_send_zc sends what it is given", "[io][send_zc]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    const auto size = GENERATE(std::size_t(0), std::size_t(1), std::size_t(5000), std::size_t(60'000));
    const std::string data = some_bytes(size);
    std::string got(size, 0);
    answer sent;
    SECTION("one buffer") { pair.first.async_send_zc(buffer(data), sent.handler()); }
    SECTION("several buffers, and flags") {
        const std::array<rill::const_buffer, 3> pieces{buffer(data.data(), size / 3), buffer(data.data() + size / 3, 0),
                                                       buffer(data.data() + size / 3, size - size / 3)};
        pair.first.async_send_zc(pieces, 0, sent.handler());
    }
    CHECK(sent.calls == 0);
    run(io);
    CHECK(sent.succeeded());
    CHECK((size == 0 ? sent.bytes == 0 : sent.bytes > 0 && sent.bytes <= size));
    for (std::size_t n = 0; n < sent.bytes;)
        n += pair.second.read_some(buffer(got.data() + n, sent.bytes - n));
    CHECK(got.substr(0, sent.bytes) == data.substr(0, sent.bytes));
}

TEST_CASE("sends with and without a copy go in the order in which they were started", "[io][send_zc]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    constexpr std::size_t count = 30, size = 20'000;
    std::vector<std::string> messages;
    std::string expected;
    std::vector<answer> answers(count);
    for (std::size_t i = 0; i < count; ++i)
        messages.push_back(some_bytes(size, static_cast<unsigned>(i)));
    for (std::size_t i = 0; i < count; ++i) {
        if (i % 3 == 0)
            pair.first.async_write_some(buffer(messages[i]), answers[i].handler());
        else
            pair.first.async_send_zc(buffer(messages[i]), answers[i].handler());
    }
    pair.second.non_blocking(true);
    std::string got, piece(65536, 0);
    CHECK(run_until(io, [&] {
        error_code ec;
        while (!ec)
            got.append(piece, 0, pair.second.read_some(buffer(piece), ec));
        for (const answer& a : answers)
            if (a.calls == 0)
                return false;
        return true;
    }));
    for (std::size_t i = 0; i < count; ++i) {
        CHECK(answers[i].succeeded());
        expected.append(messages[i], 0, answers[i].bytes);
    }
    error_code ec;
    while (got.size() < expected.size() && (!ec || ec == error::would_block))
        got.append(piece, 0, pair.second.read_some(buffer(piece), ec));
    CHECK((got == expected));
}

TEST_CASE("async_send_zc completes when its bytes may change, and what arrives is what they were", "[io][send_zc]") {
    rill::io_context io(GENERATE(solo, shared));
    slow_pair pair(io);
    const std::string expected = some_bytes(large);
    std::string data = expected;
    std::size_t sent = 0;
    int calls = 0;
    rill::cancellation_signal signal;
    pair.first.async_send_zc(buffer(data),
                             rill::bind_cancellation_slot(signal.slot(), [&](error_code ec, std::size_t n) {
                                 CHECK_FALSE(ec);
                                 ++calls;
                                 sent = n;
                                 data.assign(large, '!');
                             }));
    answer behind;
    for (int i = 0; i < 10; ++i)
        io.poll();
    CHECK(calls == (sends_without_copy(io) ? 0 : 1));
    bool is_closed = false;
    SECTION("read") {}
    SECTION("cancelled in between") {
        signal.emit(rill::cancellation_type::total);
        io.poll();
        CHECK(calls == (sends_without_copy(io) ? 0 : 1));
        pair.first.cancel();
        io.poll();
    }
    SECTION("closed in between") {
        pair.first.close();
        is_closed = true;
        for (int i = 0; i < 10; ++i)
            io.poll();
    }
    SECTION("with another behind it") {
        const std::string more = some_bytes(5000, 9);
        pair.first.async_write_some(buffer(more), behind.handler());
        io.restart();
        io.poll();
        CHECK(behind.bytes == 5000);
        CHECK(calls == (sends_without_copy(io) ? 0 : 1));
    }
    CHECK(calls == (sends_without_copy(io) ? 0 : 1));
    std::string got, piece(65536, 0);
    pair.second.non_blocking(true);
    CHECK(run_until(io, [&] {
        error_code ec;
        while (!ec)
            got.append(piece, 0, pair.second.read_some(buffer(piece), ec));
        return calls == 1;
    }));
    pair.second.non_blocking(false);
    while (got.size() < sent)
        got.append(piece, 0, pair.second.read_some(buffer(piece)));
    CHECK(sent > 100'000);
    CHECK(got.substr(0, sent) == expected.substr(0, sent));
    CHECK(calls == 1);
    CHECK(pair.first.is_open() == !is_closed);
}

TEST_CASE("a context that is destroyed waits until the bytes it sent are needed no more", "[io][send_zc]") {
    std::optional<rill::io_context> io(std::in_place, GENERATE(solo, shared));
    rill::io_context other(solo);
    slow_pair pair(*io);
    tcp::socket reader(other, tcp::v4(), pair.second.release());
    const bool waits = sends_without_copy(*io);
    const std::string expected = some_bytes(large);
    std::optional<std::string> data(expected);
    answer sent;
    pair.first.async_send_zc(buffer(*data), sent.handler());
    io->poll();
    const std::size_t taken = waits ? large : sent.bytes;
    std::string got;
    std::atomic<std::size_t> received{0};
    std::thread helper([&] {
        std::string piece(65536, 0);
        error_code ec;
        while (received < taken && !ec) {
            got.append(piece, 0, reader.read_some(buffer(piece), ec));
            received = got.size();
        }
    });
    io.reset();
    data->assign(large, '!');
    helper.join();
    CHECK(sent.calls == (waits ? 0 : 1));
    CHECK(got.substr(0, taken) == expected.substr(0, taken));
}

TEST_CASE("a send without a copy that has not begun is cancelled by each type", "[io][send_zc]") {
    rill::io_context io(GENERATE(solo, shared));
    const auto type =
        GENERATE(rill::cancellation_type::terminal, rill::cancellation_type::partial, rill::cancellation_type::total);
    tcp_pair pair(io);
    fill(pair);
    const std::string data = some_bytes(10'000);
    rill::cancellation_signal signal;
    answer cancelled, closed;
    pair.first.async_send_zc(buffer(data), cancelled.handler(signal));
    pair.first.async_send_zc(buffer(data), closed.handler());
    io.poll();
    CHECK(cancelled.calls + closed.calls == 0);
    signal.emit(type);
    CHECK(run_until(io, [&] { return cancelled.calls != 0; }));
    CHECK(cancelled.aborted());
    CHECK(closed.calls == 0);
    pair.first.close();
    run(io);
    CHECK(closed.aborted());
}

TEST_CASE("sockets that cannot send without a copy send with one", "[io][send_zc]") {
    rill::io_context io(GENERATE(solo, shared));
    local::socket first(io), second(io);
    rill::local::connect_pair(first, second);
    const std::string data = some_bytes(20'000);
    std::string got(2 * data.size(), 0);
    answer sent[2];
    first.async_send_zc(buffer(data), sent[0].handler());
    first.async_send_zc(buffer(data), sent[1].handler());
    run(io);
    CHECK(sent[0].succeeded());
    CHECK(sent[1].succeeded());
    std::size_t n = 0;
    while (n < sent[0].bytes + sent[1].bytes)
        n += second.read_some(buffer(got.data() + n, got.size() - n));
    CHECK(got.substr(0, sent[0].bytes) == data.substr(0, sent[0].bytes));
    CHECK(got.substr(sent[0].bytes, sent[1].bytes) == data.substr(0, sent[1].bytes));
}

TEST_CASE("async_send_zc tells of a peer that has gone", "[io][send_zc]") {
    rill::io_context io(GENERATE(solo, shared));
    slow_pair pair(io);
    const std::string data = some_bytes(large);
    answer outstanding, late, closed;
    pair.first.async_send_zc(buffer(data), outstanding.handler());
    io.poll();
    pair.second.set_option(tcp::socket::linger(true, 0));
    pair.second.close();
    run(io);
    CHECK(outstanding.calls == 1);
    char byte;
    answer read;
    pair.first.async_read_some(buffer(&byte, 1), read.handler());
    run(io);
    pair.first.async_send_zc(buffer(data), late.handler());
    run(io);
    CHECK(late.calls == 1);
    CHECK((late.ec == error::broken_pipe || late.ec == error::connection_reset));
    pair.first.close();
    pair.first.async_send_zc(buffer(data), closed.handler());
    run(io);
    CHECK(closed.ec == error::bad_descriptor);
}

TEST_CASE("a pinned context sends without copies, too", "[io][send_zc]") {
    rill::io_context io(rill::config_from_string("scheduler.concurrency_hint=1\nscheduler.pinned=1\n"));
    tcp_pair pair(io);
    const std::string data = some_bytes(20'000);
    std::size_t sent = 0, received = 0;
    int wrong = 0, rounds = 0;
    std::string piece(30'000, 0);
    std::function<void()> receive, send;
    send = [&] {
        pair.first.async_send_zc(buffer(data.data() + sent % data.size(), data.size() - sent % data.size()),
                                 [&](error_code ec, std::size_t n) {
                                     wrong += !!ec;
                                     sent += n;
                                     if (++rounds == 400 || ec)
                                         pair.first.shutdown(tcp::socket::shutdown_send);
                                     else
                                         send();
                                     if (rounds % 150 == 0)
                                         io.stop();
                                 });
    };
    receive = [&] {
        pair.second.async_read_some(buffer(piece), [&](error_code ec, std::size_t n) {
            for (std::size_t i = 0; i < n; ++i)
                wrong += piece[i] != data[(received + i) % data.size()];
            received += n;
            if (!ec)
                receive();
        });
    };
    receive();
    send();
    for (int i = 0; i < 3; ++i) {
        io.restart();
        io.run_for(20s);
    }
    CHECK(io.stopped());
    CHECK(rounds == 400);
    CHECK(wrong == 0);
    CHECK(received == sent);
}

#if TEST_HAS_FORK
TEST_CASE("a process that forks while bytes are sent without a copy completes in both", "[io][send_zc][fork]") {
    rill::io_context io(GENERATE(solo, shared));
    slow_pair pair(io);
    const std::string data = some_bytes(large);
    answer sent;
    pair.first.async_send_zc(buffer(data), sent.handler());
    io.poll();
    io.notify_fork(rill::io_context::fork_prepare);
    const ::pid_t child = ::fork();
    if (child == 0)
        child_process::leave([&] {
            io.notify_fork(rill::io_context::fork_child);
            io.restart();
            io.run_for(10s);
            return sent.succeeded() && sent.bytes > 0;
        });
    io.notify_fork(rill::io_context::fork_parent);
    CHECK(child_process(child).exit_code() == 1);
    std::string got, piece(65536, 0);
    pair.second.non_blocking(true);
    CHECK(run_until(io, [&] {
        error_code ec;
        while (!ec)
            got.append(piece, 0, pair.second.read_some(buffer(piece), ec));
        return sent.calls == 1;
    }));
    CHECK(sent.succeeded());
    CHECK(got.substr(0, sent.bytes) == data.substr(0, got.size()).substr(0, sent.bytes));
}
#endif

TEST_CASE("several threads send without copies, and lose nothing", "[io][send_zc]") {
    rill::io_context io(shared);
    constexpr std::size_t connections = 4, total = 1'000'000;
    struct connection {
        explicit connection(rill::io_context& ctx) : pair(ctx), data(some_bytes(total)), piece(40'000, 0) {}
        void receive() {
            pair.second.async_read_some(buffer(piece), [this](const error_code& ec, std::size_t n) {
                got.append(piece, 0, n);
                if (!ec)
                    receive();
            });
        }
        void send() {
            const std::size_t left = total - sent;
            if (left == 0) {
                error_code ignored;
                pair.first.shutdown(tcp::socket::shutdown_send, ignored);
                return;
            }
            pair.first.async_send_zc(buffer(data.data() + sent, left < 50'000 ? left : 50'000),
                                     [this](const error_code& ec, std::size_t n) {
                                         sent += n;
                                         if (!ec)
                                             send();
                                     });
        }
        tcp_pair pair;
        std::string data, piece, got;
        std::size_t sent = 0;
    };
    std::vector<std::unique_ptr<connection>> all;
    for (std::size_t i = 0; i < connections; ++i) {
        all.push_back(std::make_unique<connection>(io));
        all[i]->receive();
        all[i]->send();
    }
    std::vector<std::thread> helpers;
    for (int i = 0; i < 2; ++i)
        helpers.emplace_back([&] { io.run_for(20s); });
    io.run_for(20s);
    for (std::thread& t : helpers)
        t.join();
    CHECK(io.stopped());
    for (const auto& c : all)
        CHECK(c->got == c->data);
}
