// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_stream_socket.hpp>

#include "loopback.hpp"

#include <rill/local/connect_pair.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

using namespace loopback;
using rill::buffer;
using rill::error_code;
using local = rill::local::stream_protocol;
namespace error = rill::error;

namespace {

/// An endless stream of bytes that hardly repeats itself where a buffer or a segment ends.
class stream {
public:
    stream(unsigned seed, std::size_t most) : bytes_(period + most, 0) {
        for (std::size_t i = 0; i < bytes_.size(); ++i)
            bytes_[i] = static_cast<char>(((i % period) * 2654435761u + seed) >> 7);
    }
    /// Byte number @p i and those behind it.
    const char* at(std::size_t i) const { return bytes_.data() + i % period; }

private:
    static constexpr std::size_t period = 65'521;
    std::string bytes_;
};

/// Sends @p total bytes of a stream, at most @p most at a time, then ends it.
template <class Socket>
class sender {
public:
    sender(Socket& s, std::size_t total, std::size_t most, unsigned seed)
        : socket_(s), total_(total), most_(most), stream_(seed, most) {}

    void start() {
        if (sent == total_) {
            socket_.shutdown(tcp::socket::shutdown_send, ec);
            return;
        }
        const std::size_t size = std::min(most_, total_ - sent);
        const char* data = stream_.at(sent);
        auto next = [this](const error_code& e, std::size_t n) {
            sent += n;
            ec = e;
            if (!e)
                start();
        };
        // One buffer or several.
        if (++turn_ % 2)
            socket_.async_write_some(
                std::vector<rill::const_buffer>{buffer(data, size / 3), buffer(data + size / 3, size - size / 3)},
                next);
        else
            socket_.async_write_some(buffer(data, size), next);
    }

    std::size_t sent = 0;
    error_code ec;

private:
    Socket& socket_;
    std::size_t total_;
    std::size_t most_;
    stream stream_;
    unsigned turn_ = 0;
};

/// Receives a stream to its end, and checks each byte.
template <class Socket>
class receiver {
public:
    receiver(Socket& s, std::size_t most, unsigned seed) : socket_(s), stream_(seed, most), data_(most, 0) {}

    void start() {
        socket_.async_read_some(buffer(data_), [this](const error_code& e, std::size_t n) {
            wrong += std::memcmp(data_.data(), stream_.at(received), n) != 0;
            received += n;
            ec = e;
            if (!e)
                start();
        });
    }

    std::size_t received = 0;
    int wrong = 0;
    error_code ec;

private:
    Socket& socket_;
    stream stream_;
    std::string data_;
};

template <class Socket>
void transfer_both_ways(rill::io_context& io, Socket& first, Socket& second, unsigned threads, std::size_t total) {
    sender<Socket> there(first, total, 100'001, 1), back(second, total, 65'536, 2);
    receiver<Socket> at_first(first, 70'000, 2), at_second(second, 16'384, 1);
    at_first.start();
    there.start();
    at_second.start();
    back.start();
    std::vector<std::thread> helpers;
    for (unsigned i = 1; i < threads; ++i)
        helpers.emplace_back([&] { io.run_for(10s); });
    io.run_for(10s);
    for (std::thread& t : helpers)
        t.join();
    CHECK(io.stopped());
    for (auto* s : {&there, &back}) {
        CHECK(s->sent == total);
        CHECK_FALSE(s->ec);
    }
    for (auto* r : {&at_first, &at_second}) {
        CHECK(r->received == total);
        CHECK(r->wrong == 0);
        CHECK(r->ec == error::eof);
    }
}

constexpr std::size_t large = 8'000'000;

}  // namespace

TEST_CASE("8 MB arrive as they were sent, in both directions at once", "[io][basic_stream_socket]") {
    SECTION("TCP, solo") {
        rill::io_context io(solo);
        tcp_pair pair(io);
        transfer_both_ways(io, pair.first, pair.second, 1, large);
    }
    SECTION("TCP, four threads") {
        rill::io_context io;
        tcp_pair pair(io);
        transfer_both_ways(io, pair.first, pair.second, 4, large);
    }
    SECTION("local, solo") {
        rill::io_context io(solo);
        local::socket first(io), second(io);
        rill::local::connect_pair(first, second);
        transfer_both_ways(io, first, second, 1, large);
    }
    SECTION("local, four threads") {
        rill::io_context io;
        local::socket first(io), second(io);
        rill::local::connect_pair(first, second);
        transfer_both_ways(io, first, second, 4, large);
    }
}

TEST_CASE("bytes arrive in the order in which the operations were started", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    const std::size_t held = fill(pair.first);
    constexpr std::size_t count = 40;
    std::vector<std::string> messages;
    std::string expected, got;
    std::vector<std::size_t> written;
    std::size_t read = 0;
    for (std::size_t i = 0; i < count; ++i) {
        messages.push_back(std::string(10 + i, static_cast<char>('A' + i)));
        expected += messages.back();
    }
    for (std::size_t i = 0; i < count; ++i) {
        pair.first.async_write_some(buffer(messages[i]), [&, i](error_code ec, std::size_t n) {
            CHECK_FALSE(ec);
            CHECK(n == messages[i].size());
            written.push_back(i);
        });
    }
    io.poll();
    CHECK(written.empty());

    // What fills the way first, then the messages.
    std::vector<std::string> pieces(held / 1000 + 2 * count, std::string(1000, 0));
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        pair.second.async_read_some(buffer(pieces[i]), [&, i](error_code ec, std::size_t n) {
            if (ec)
                return;
            CHECK(read == i);
            ++read;
            got.append(pieces[i], 0, n);
        });
    }
    CHECK(run_until(io, [&] { return got.size() == held + expected.size(); }));
    CHECK(got.substr(held) == expected);
    CHECK(std::is_sorted(written.begin(), written.end()));
    CHECK(written.size() == count);
    pair.second.cancel();
    run(io);
}

TEST_CASE("a reset in the middle of a transfer ends both directions once", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    sender<tcp::socket> there(pair.first, large, 65'536, 1);
    receiver<tcp::socket> at_first(pair.first, 65'536, 2), at_second(pair.second, 65'536, 1);
    there.start();
    at_first.start();
    at_second.start();
    CHECK(run_until(io, [&] { return at_second.received > large / 4; }));
    pair.second.set_option(tcp::socket::linger(true, 0));
    pair.second.close();
    run(io);
    CHECK(there.ec);
    CHECK(at_first.ec);
    CHECK((there.ec == error::connection_reset || at_first.ec == error::connection_reset));
    // Its last read was pending, or had been answered and was followed by another.
    CHECK((at_second.ec == error::operation_aborted || at_second.ec == error::bad_descriptor));
    CHECK(at_second.wrong == 0);
    char data[4];
    answer read, write;
    pair.first.async_read_some(buffer(data), read.handler());
    pair.first.async_write_some(buffer("x", 1), write.handler());
    run(io);
    // The reset has been told once; but some systems go on telling.
    CHECK((read.ec == error::eof || read.ec == error::connection_reset));
    CHECK((write.ec == error::broken_pipe || write.ec == error::connection_reset));
}

TEST_CASE("a half-close in the middle of a transfer ends one direction only", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    constexpr std::size_t total = 1'000'000;
    sender<tcp::socket> there(pair.first, total, 65'536, 1), back(pair.second, 1000, 500, 2);
    receiver<tcp::socket> at_first(pair.first, 65'536, 2), at_second(pair.second, 65'536, 1);
    there.start();
    at_first.start();
    at_second.start();
    back.start();
    run(io);
    CHECK(at_first.received == 1000);
    CHECK(at_first.wrong == 0);
    CHECK(at_first.ec == error::eof);
    CHECK(at_second.received == total);
    CHECK(at_second.wrong == 0);
    CHECK(there.sent == total);
}

TEST_CASE("both ends of one transfer may be closed at any point of it", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    for (int when = 0; when < 20; ++when) {
        tcp_pair pair(io);
        sender<tcp::socket> there(pair.first, large, 30'000, 1), back(pair.second, large, 30'000, 2);
        receiver<tcp::socket> at_first(pair.first, 30'000, 2), at_second(pair.second, 30'000, 1);
        there.start();
        at_first.start();
        at_second.start();
        back.start();
        io.restart();
        for (int i = 0; i < when; ++i)
            io.run_one();
        if (when % 3 != 0)
            pair.first.close();
        if (when % 3 != 1)
            pair.second.close();
        run(io);
        CHECK(there.ec);
        CHECK(back.ec);
        CHECK(at_first.ec);
        CHECK(at_second.ec);
        CHECK(at_first.wrong + at_second.wrong == 0);
    }
}
