// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_stream_socket.hpp>

#include "loopback.hpp"

#include <support/bare_sockets.hpp>
#include <support/capabilities.hpp>

#include <rill/local/connect_pair.hpp>
#include <rill/token/bind_immediate_executor.hpp>

#include <array>
#include <csignal>
#include <cstring>
#include <deque>
#include <list>
#include <memory>
#include <type_traits>
#include <vector>

using namespace loopback;
using rill::buffer;
using rill::cancellation_type;
using rill::error_code;
namespace error = rill::error;

namespace {

using rill::completion_signature_of_t;
using socket_type = tcp::socket;
using deferred_write =
    decltype(std::declval<socket_type&>().async_write_some(std::declval<const rill::const_buffer&>()));
using deferred_read =
    decltype(std::declval<socket_type&>().async_read_some(std::declval<const rill::mutable_buffer&>()));

static_assert(std::is_same_v<completion_signature_of_t<deferred_write>, void(error_code, std::size_t)>);
static_assert(std::is_same_v<completion_signature_of_t<deferred_read>, void(error_code, std::size_t)>);
static_assert(std::is_same_v<socket_type::executor_type, rill::any_io_executor>);
static_assert(std::is_same_v<socket_type::lowest_layer_type, rill::basic_socket<tcp, rill::any_io_executor>>);
static_assert(std::is_same_v<socket_type::rebind_executor<rill::io_context::executor_type>::other,
                             rill::basic_stream_socket<tcp, rill::io_context::executor_type>>);
static_assert(!std::is_copy_constructible_v<socket_type> && std::is_nothrow_move_constructible_v<socket_type>);

/// An executor with a token of its own.
struct counting_executor : rill::io_context::executor_type {
    struct default_completion_token_type {
        template <class... Args>
        void operator()(Args&&...) {
            ++calls;
        }
        static inline int calls = 0;
    };
    counting_executor(const rill::io_context::executor_type& ex) : rill::io_context::executor_type(ex) {}
};

}  // namespace

TEST_CASE("a write is told how many bytes were taken, after the initiating function has returned",
          "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    const std::string data = "hello";
    bool returned = false;
    int calls = 0;
    // From outside run(), and from inside it, where the write could be delivered at once.
    auto write = [&](auto next) {
        returned = false;
        pair.first.async_write_some(buffer(data), [&, next](error_code ec, std::size_t n) {
            ++calls;
            CHECK(returned);
            CHECK_FALSE(ec);
            CHECK(n == 5);
            next();
        });
        returned = true;
    };
    write([&] { write([] {}); });
    CHECK(calls == 0);
    run(io);
    CHECK(calls == 2);
    CHECK(pair.second.available() == 10);
}

TEST_CASE("a read that is done at once is delivered later all the same", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    pair.first.send(buffer("abc", 3));
    pair.second.wait(tcp::socket::wait_read);
    char data[8];
    bool returned = false;
    pair.second.async_read_some(buffer(data), [&](error_code ec, std::size_t n) {
        CHECK(returned);
        CHECK_FALSE(ec);
        CHECK(n == 3);
        pair.first.send(buffer("d", 1));
        pair.second.wait(tcp::socket::wait_read);
        returned = false;
        pair.second.async_read_some(buffer(data), [&](error_code, std::size_t m) {
            CHECK(returned);
            CHECK(m == 1);
        });
        returned = true;
    });
    returned = true;
    CHECK(run(io) == 2);
}

TEST_CASE("a transfer of no bytes completes without waiting, and without an error", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    fill(pair.first);
    answer write, read, read_of_none, write_of_empty;
    pair.first.async_write_some(rill::const_buffer(), write.handler());
    pair.first.async_write_some(std::array<rill::const_buffer, 3>(), write_of_empty.handler());
    pair.first.async_read_some(rill::mutable_buffer(), read.handler());
    pair.first.async_read_some(std::vector<rill::mutable_buffer>(), read_of_none.handler());
    CHECK(write.calls + read.calls + read_of_none.calls + write_of_empty.calls == 0);
    run(io);
    for (const answer* a : {&write, &read, &read_of_none, &write_of_empty}) {
        CHECK(a->succeeded());
        CHECK(a->bytes == 0);
    }
    CHECK(pair.first.write_some(rill::const_buffer()) == 0);
    CHECK(pair.first.read_some(rill::mutable_buffer()) == 0);
}

TEST_CASE("a write takes what there is room for", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    pair.first.set_option(tcp::socket::send_buffer_size(4096));
    const std::string data(8'000'000, 'x');
    answer first;
    pair.first.async_write_some(buffer(data), first.handler());
    run(io);
    CHECK(first.succeeded());
    CHECK(first.bytes > 0);
    CHECK(first.bytes < data.size());

    fill(pair.first);
    answer waiting;
    pair.first.async_write_some(buffer(data), waiting.handler());
    io.restart();
    io.poll();
    CHECK(waiting.calls == 0);
    CHECK(run_until(io, [&] {
        drain(pair.second);
        return waiting.calls != 0;
    }));
    CHECK(waiting.succeeded());
    CHECK(waiting.bytes > 0);
    CHECK(waiting.bytes < data.size());
}

#if TEST_HAS_SIGNALS
TEST_CASE("a write to a peer that reads no more fails with broken_pipe and raises no signal",
          "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    rill::local::stream_protocol::socket a(io), b(io);
    rill::local::connect_pair(a, b);
    b.close();
    static volatile std::sig_atomic_t signals;
    signals = 0;
    auto before = std::signal(SIGPIPE, [](int) { signals = 1; });
    answer one, several;
    a.async_write_some(buffer("abc", 3), one.handler());
    a.async_write_some(std::array{buffer("abc", 3), buffer("def", 3)}, several.handler());
    run(io);
    CHECK(one.ec == error::broken_pipe);
    CHECK(several.ec == error::broken_pipe);
    CHECK(one.bytes + several.bytes == 0);
    error_code ec;
    CHECK(a.write_some(buffer("abc", 3), ec) == 0);
    CHECK(ec == error::broken_pipe);
    CHECK_THROWS_AS(a.send(std::array{buffer("abc", 3), buffer("def", 3)}), rill::system_error);
    CHECK(signals == 0);
    std::signal(SIGPIPE, before);
}
#endif

TEST_CASE("each type of cancellation ends a transfer that has moved nothing", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    fill(pair);
    for (cancellation_type type :
         {cancellation_type::terminal, cancellation_type::partial, cancellation_type::total, cancellation_type::all}) {
        rill::cancellation_signal stop_read, stop_write;
        answer read, write;
        char data[4];
        pair.first.async_read_some(buffer(data), read.handler(stop_read));
        pair.first.async_write_some(buffer("abc", 3), write.handler(stop_write));
        io.restart();
        io.poll();
        CHECK(stop_read.slot().has_handler());
        stop_read.emit(type);
        stop_write.emit(type);
        CHECK(read.calls + write.calls == 0);
        run(io);
        CHECK(read.aborted());
        CHECK(write.aborted());
        CHECK_FALSE(stop_read.slot().has_handler());
        stop_read.emit(type);
    }
    rill::cancellation_signal signal;
    answer read;
    char data[4];
    pair.first.async_read_some(buffer(data), read.handler(signal));
    signal.emit(cancellation_type::none);
    io.restart();
    io.poll();
    CHECK(read.calls == 0);
    pair.second.send(buffer("x", 1));
    run(io);
    CHECK(read.bytes == 1);
}

TEST_CASE("a cancellation that comes after the answer changes nothing", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    rill::cancellation_signal signal;
    answer write;
    pair.first.async_write_some(buffer("abc", 3), write.handler(signal));
    signal.emit(cancellation_type::terminal);  // solo: the write has not been tried yet, so it may still be stopped
    run(io);
    CHECK(write.calls == 1);
    if (write.ec)
        CHECK(write.aborted());
    else
        CHECK(write.bytes == 3);
    CHECK(pair.second.available() == write.bytes);
}

TEST_CASE("cancelling one read of several leaves the others in order", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    rill::cancellation_signal signals[4];
    answer reads[4];
    char data[4];
    for (int i = 0; i < 4; ++i)
        pair.first.async_read_some(buffer(data + i, 1), reads[i].handler(signals[i]));
    io.poll();
    const int gone = GENERATE(0, 1, 3);
    signals[gone].emit(cancellation_type::total);
    io.restart();
    io.poll();  // a solo loop hears of it now; data that came first might have been read already
    pair.second.send(buffer("abc", 3));
    run(io);
    char expected = 'a';
    for (int i = 0; i < 4; ++i) {
        if (i == gone) {
            CHECK(reads[i].aborted());
        } else {
            CHECK(reads[i].succeeded());
            CHECK(data[i] == expected++);
        }
    }
}

TEST_CASE("cancel() ends all operations of a socket, and it can be used on", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    fill(pair);
    answer reads[2], write, wait;
    char data[4];
    pair.first.async_read_some(buffer(data), reads[0].handler());
    pair.first.async_read_some(buffer(data), reads[1].handler());
    pair.first.async_write_some(buffer("abc", 3), write.handler());
    pair.first.async_wait(tcp::socket::wait_error, wait.handler());
    io.poll();
    pair.first.cancel();
    CHECK(reads[0].calls == 0);
    run(io);
    for (const answer* a : {&reads[0], &reads[1], &write, &wait})
        CHECK(a->aborted());

    answer again;
    pair.first.async_read_some(buffer(data), again.handler());
    pair.second.send(buffer("x", 1));
    run(io);
    CHECK(again.succeeded());
}

namespace {

template <class Sequence>
void check_gather(const Sequence& sequence, std::size_t total) {
    rill::io_context io;
    tcp_pair pair(io);
    answer write;
    pair.first.async_write_some(sequence, write.handler());
    run(io);
    CHECK(write.succeeded());
    const std::size_t sent = write.bytes;
    CHECK(sent > 0);
    CHECK(sent <= total);
    CHECK(pair.first.write_some(sequence) > 0);
    std::string expected;
    for (auto i = rill::buffer_sequence_begin(sequence); i != rill::buffer_sequence_end(sequence); ++i) {
        rill::const_buffer b = *i;
        expected.append(static_cast<const char*>(b.data()), b.size());
    }
    std::string got(sent, 0);
    CHECK(pair.second.receive(buffer(got), MSG_WAITALL) == sent);
    CHECK(got == expected.substr(0, sent));
}

}  // namespace

TEST_CASE("buffers may come in any kind of sequence", "[io][basic_stream_socket]") {
    const rill::const_buffer a = buffer("abc", 3);
    const rill::const_buffer b = buffer("defg", 4);
    check_gather(a, 3);
    check_gather(std::array{a, b}, 7);
    const rill::const_buffer plain[] = {a, rill::const_buffer(), b};
    check_gather(plain, 7);
    check_gather(std::vector{a, b}, 7);
    check_gather(std::list{b, a, b}, 11);
    check_gather(std::deque{b, a}, 7);
    char changeable[] = "xyz";
    check_gather(std::vector{buffer(changeable, 3)}, 3);
    check_gather(buffer(std::string_view("view")), 4);
    check_gather(std::vector<rill::const_buffer>(100, a), 300);
    check_gather(std::array<rill::const_buffer, 64>{a, b}, 7);
    std::array<rill::const_buffer, 100> many;
    many.fill(a);
    check_gather(many, 300);
    std::vector<rill::const_buffer> empty_first(100);
    empty_first.push_back(a);
    check_gather(empty_first, 3);
}

TEST_CASE("a read scatters over more buffers than one call takes", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    char data[100] = {};
    std::vector<rill::mutable_buffer> buffers;
    for (char& c : data)
        buffers.push_back(buffer(&c, 1));
    const std::string sent(100, 's');
    pair.second.send(buffer(sent));
    pair.first.wait(tcp::socket::wait_read);
    answer read;
    pair.first.async_read_some(buffers, read.handler());
    run(io);
    CHECK(read.succeeded());
    CHECK(read.bytes > 0);
    CHECK(std::string(data, read.bytes) == sent.substr(0, read.bytes));
    // What was left is not forgotten.
    answer rest;
    pair.first.async_read_some(buffer(data), rest.handler());
    if (read.bytes < 100) {
        run(io);
        CHECK(rest.bytes == 100 - read.bytes);
    } else {
        pair.first.cancel();
        run(io);
    }
}

TEST_CASE("without a token an operation is deferred until it is called", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    char data[8];
    auto write = pair.first.async_write_some(buffer("abc", 3));
    auto read = pair.second.async_receive(buffer(data));
    CHECK(run(io) == 0);
    CHECK(pair.second.available() == 0);
    answer written, got;
    write(written.handler());
    std::move(write)(written.handler());
    std::move(read)(got.handler());
    run(io);
    CHECK(written.calls == 2);
    CHECK(got.bytes > 0);
}

TEST_CASE("an executor says what its objects do without a token", "[io][basic_stream_socket]") {
    rill::io_context io;
    rill::basic_stream_socket<tcp, counting_executor> first(counting_executor(io.get_executor()));
    tcp::socket second(io);
    connect(first, second);
    first.async_write_some(buffer("abc", 3));
    first.async_send(buffer("abc", 3));
    run(io);
    CHECK(counting_executor::default_completion_token_type::calls == 2);
}

TEST_CASE("an immediate executor is given what is done at once, and nothing else", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    rill::io_context other;
    tcp_pair pair(io);
    answer write, read;
    char data[4];
    bool started = false;
    auto start = [&] {
        pair.first.async_write_some(buffer("abc", 3),
                                    rill::bind_immediate_executor(other.get_executor(), write.handler()));
        pair.first.async_read_some(buffer(data), rill::bind_immediate_executor(other.get_executor(), read.handler()));
        started = true;
    };
    rill::execution::executor auto ex = io.get_executor();
    ex.execute(start);
    run_until(io, [&] { return started; });
    CHECK(write.calls == 0);
    other.run();
    CHECK(write.succeeded());
    CHECK(read.calls == 0);
    pair.second.send(buffer("x", 1));
    run(io);
    CHECK(read.succeeded());
}

TEST_CASE("a peeked byte is there for the next read", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    char data[16] = {};
    answer peeks[2], read;
    pair.first.async_receive(buffer(data), tcp::socket::message_peek, peeks[0].handler());
    pair.first.async_receive(buffer(data), tcp::socket::message_peek, peeks[1].handler());
    pair.first.async_read_some(buffer(data), read.handler());
    io.poll();
    pair.second.send(buffer("abc", 3));
    run(io);
    CHECK(peeks[0].bytes == 3);
    CHECK(peeks[1].bytes == 3);
    CHECK(read.bytes == 3);
    pair.second.send(buffer("de", 2));
    CHECK(pair.first.receive(buffer(data), tcp::socket::message_peek) == 2);
    CHECK(pair.first.receive(buffer(data)) == 2);
}

TEST_CASE("an out-of-band byte is received apart from the rest", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    char ordinary[16] = {}, urgent = 0;
    answer out_of_band, read, after, wait;
    pair.first.async_wait(tcp::socket::wait_error, wait.handler());
    pair.first.async_receive(buffer(&urgent, 1), tcp::socket::message_out_of_band, out_of_band.handler());
    pair.first.async_read_some(buffer(ordinary), read.handler());
    io.poll();
    CHECK(out_of_band.calls == 0);
    answer sent;
    pair.second.async_write_some(buffer("abc", 3), sent.handler());
    run_until(io, [&] { return read.calls != 0; });
    CHECK(read.bytes == 3);
    pair.second.async_send(buffer("U", 1), tcp::socket::message_out_of_band, sent.handler());
    pair.second.async_write_some(buffer("def", 3), sent.handler());
    run_until(io, [&] { return out_of_band.calls != 0; });
    CHECK(wait.succeeded());
    CHECK(out_of_band.succeeded());
    CHECK(out_of_band.bytes == 1);
    CHECK(urgent == 'U');
    pair.first.async_read_some(buffer(ordinary), after.handler());
    run(io);
    CHECK(after.bytes == 3);
    CHECK(std::string(ordinary, 3) == "def");
}

TEST_CASE("a read that ends at the urgent mark does not hide what is behind it", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    pair.first.set_option(tcp::socket::out_of_band_inline(true));
    answer warm_up;
    char data[16] = {};
    pair.first.async_read_some(buffer(data), warm_up.handler());
    pair.second.send(buffer("0", 1));
    run(io);
    pair.second.send(buffer("abc", 3));
    pair.second.send(buffer("U", 1), tcp::socket::message_out_of_band);
    pair.second.send(buffer("def", 3));
    while (pair.first.available() < 3) {
    }
    std::string got;
    bool mark_seen = false;
    while (got.size() < 7) {
        answer read;
        pair.first.async_read_some(buffer(data), read.handler());
        run(io);
        REQUIRE(read.succeeded());
        got.append(data, read.bytes);
        mark_seen = mark_seen || pair.first.at_mark();
    }
    CHECK(got == "abcUdef");
    CHECK(mark_seen);
}

#if TEST_HAS_LOCAL_SOCKETS
TEST_CASE("a read that ends at a passed descriptor does not hide what is behind it", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    rill::local::stream_protocol::socket first(io), second(io);
    rill::local::connect_pair(first, second);
    char data[16] = {};
    answer warm_up;
    first.async_read_some(buffer(data), warm_up.handler());
    second.send(buffer("0", 1));
    run(io);

    ::iovec part{data, 3};
    std::memcpy(data, "abc", 3);
    alignas(::cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    ::msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    ::cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int passed = second.native_handle();
    std::memcpy(CMSG_DATA(header), &passed, sizeof(int));
    REQUIRE(::sendmsg(second.native_handle(), &message, 0) == 3);
    second.send(buffer("def", 3));
    std::string got;
    while (got.size() < 6) {
        answer read;
        first.async_read_some(buffer(data), read.handler());
        run(io);
        REQUIRE(read.succeeded());
        got.append(data, read.bytes);
    }
    CHECK(got == "abcdef");
}
#endif

TEST_CASE("data that comes together with the end is read before the end", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    const bool local = GENERATE(true, false);
    auto check = [&](auto& first, auto& second) {
        char data[16];
        answer warm_up;
        first.async_read_some(buffer(data), warm_up.handler());
        second.send(buffer("0", 1));
        run(io);
        second.send(buffer("abc", 3));
        second.shutdown(tcp::socket::shutdown_send);
        while (first.available() < 3) {
        }
        answer read, ends[3];
        first.async_read_some(buffer(data), read.handler());
        for (answer& end : ends)
            first.async_read_some(buffer(data), end.handler());
        run(io);
        CHECK(read.bytes == 3);
        for (const answer& end : ends) {
            CHECK(end.calls == 1);
            CHECK(end.ec == error::eof);
            CHECK(end.bytes == 0);
        }
        answer later, wait;
        first.async_read_some(buffer(data), later.handler());
        first.async_wait(tcp::socket::wait_read, wait.handler());
        run(io);
        CHECK(later.ec == error::eof);
        CHECK(wait.succeeded());
        error_code ec;
        CHECK(first.read_some(buffer(data), ec) == 0);
        CHECK(ec == error::eof);
        // The other way is open still.
        answer write;
        first.async_write_some(buffer("xy", 2), write.handler());
        run(io);
        CHECK(write.bytes == 2);
        CHECK(second.read_some(buffer(data)) == 2);
    };
    if (local) {
        rill::local::stream_protocol::socket first(io), second(io);
        rill::local::connect_pair(first, second);
        check(first, second);
    } else {
        tcp_pair pair(io);
        check(pair.first, pair.second);
    }
}
