// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_stream_socket.hpp>

#include "loopback.hpp"

#include <rill/io/basic_socket_acceptor.hpp>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>

// A cancellation races what would complete the operation: for each operation in many rounds, half of which another thread
// cancels. Each is answered once, and no byte and no connection is lost or seen twice.

using namespace loopback;
using rill::buffer;
using rill::error_code;
namespace error = rill::error;

namespace {

constexpr int rounds = 3000;  // in each kind of loop

/// Emits a signal, on this thread or on its own.
class canceller {
public:
    canceller() : thread_([this] { work(); }) {}
    canceller(const canceller&) = delete;
    ~canceller() {
        change(what::end);
        thread_.join();
    }

    rill::cancellation_signal signal;

    void emit(int round) {
        if (round % 2 == 0)
            signal.emit(rill::cancellation_type::total);
        else
            change(what::emit);
    }
    /// Afterwards the other thread does nothing with the signal.
    void rest() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return next_ == what::nothing; });
    }

private:
    enum class what { nothing, emit, end };

    void change(what next) {
        const std::lock_guard lock(mutex_);
        next_ = next;
        changed_.notify_all();
    }
    void work() {
        for (;;) {
            {
                std::unique_lock lock(mutex_);
                changed_.wait(lock, [this] { return next_ != what::nothing; });
                if (next_ == what::end)
                    return;
            }
            signal.emit(rill::cancellation_type::total);
            change(what::nothing);
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    what next_ = what::nothing;
    std::thread thread_;  // the last: it uses the others
};

/// Runs until @p a has its answer and the other thread rests.
void finish(rill::io_context& io, const answer& a, canceller& by) {
    while (a.calls == 0) {
        io.restart();
        io.run_one_for(10s);
    }
    by.rest();
}

char nth(int i) { return static_cast<char>('a' + i % 26); }

}  // namespace

TEST_CASE("a read that is cancelled while its data arrives takes it or leaves it", "[io][cancel_race]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    canceller by;
    int taken = 0, aborted = 0, wrong = 0;
    for (int i = 0; i < rounds; ++i) {
        char got = 0;
        answer read;
        pair.first.async_read_some(buffer(&got, 1), read.handler(by.signal));
        const char data = nth(i);
        pair.second.send(buffer(&data, 1));
        by.emit(i);
        finish(io, read, by);
        if (read.aborted())
            ++aborted;
        else if (read.succeeded() && read.bytes == 1 && got == nth(taken))
            ++taken;
        else
            ++wrong;
    }
    CHECK(wrong == 0);
    CHECK(taken + aborted == rounds);
    pair.second.close();
    std::string rest(static_cast<std::size_t>(rounds), 0);
    error_code ec;
    while (!ec) {
        const std::size_t n = pair.first.read_some(buffer(rest), ec);
        for (std::size_t k = 0; k < n; ++k)
            wrong += rest[k] != nth(taken++);
    }
    CHECK(wrong == 0);
    CHECK(taken == rounds);
}

TEST_CASE("a write that is cancelled while room is made is sent or not", "[io][cancel_race]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    pair.first.set_option(tcp::socket::send_buffer_size(4096));
    pair.second.set_option(tcp::socket::receive_buffer_size(4096));
    pair.first.non_blocking(true);
    pair.second.non_blocking(true);
    canceller by;
    std::size_t sent = 0, received = 0, aborted = 0, wrong = 0;
    std::string block(2048, 'f'), got(16384, 0);
    const auto take = [&] {
        error_code ec;
        const std::size_t n = pair.second.read_some(buffer(got), ec);
        received += n;
        for (std::size_t k = 0; k < n; ++k)
            wrong += got[k] != 'f' && got[k] != 'x';
        return n;
    };
    for (int i = 0; i < rounds; ++i) {
        error_code ec;
        while (!ec)
            sent += pair.first.write_some(buffer(block), ec);
        answer write;
        pair.first.async_write_some(buffer("xxx", 3), write.handler(by.signal));
        take();
        by.emit(i);
        finish(io, write, by);
        if (write.aborted())
            ++aborted;
        else if (write.succeeded() && write.bytes != 0)
            sent += write.bytes;
        else
            ++wrong;
    }
    pair.first.close();
    error_code ec;
    pair.second.non_blocking(false);
    while (!ec)
        received += pair.second.read_some(buffer(got), ec);
    CHECK(ec == error::eof);
    CHECK(wrong == 0);
    CHECK(received == sent);
    CHECK(aborted != 0);
}

TEST_CASE("an accept that is cancelled while a peer connects takes the connection or leaves it", "[io][cancel_race]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::acceptor acceptor(io, any_port());
    canceller by;
    int taken = 0, left = 0, wrong = 0;
    for (int i = 0; i < rounds; ++i) {
        tcp::socket accepted(io), client(io, tcp::v4());
        client.set_option(tcp::socket::linger(true, 0));  // no port is kept
        answer accept;
        acceptor.async_accept(accepted, accept.handler(by.signal));
        client.connect(acceptor.local_endpoint());
        by.emit(i);
        finish(io, accept, by);
        if (accept.aborted()) {
            acceptor.accept(accepted);
            ++left;
        } else {
            wrong += !accept.succeeded();
            ++taken;
        }
        wrong += accepted.remote_endpoint() != client.local_endpoint();
    }
    CHECK(wrong == 0);
    CHECK(taken + left == rounds);
}

TEST_CASE("a connect that is cancelled is answered once", "[io][cancel_race]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::acceptor acceptor(io, any_port());
    acceptor.non_blocking(true);
    canceller by;
    int connected = 0, aborted = 0, accepted = 0, wrong = 0;
    for (int i = 0; i < rounds; ++i) {
        tcp::socket client(io, tcp::v4());
        client.set_option(tcp::socket::linger(true, 0));
        answer connect;
        client.async_connect(acceptor.local_endpoint(), connect.handler(by.signal));
        by.emit(i);
        finish(io, connect, by);
        if (connect.succeeded())
            ++connected;
        else if (connect.aborted())
            ++aborted;
        else
            ++wrong;
        for (error_code ec; !ec;) {
            tcp::socket s(io);
            acceptor.accept(s, ec);
            accepted += !ec;
        }
    }
    CHECK(wrong == 0);
    CHECK(connected + aborted == rounds);
    CHECK(accepted >= connected);
}

TEST_CASE("a wait that is cancelled while data arrives is answered once, and leaves the data", "[io][cancel_race]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    canceller by;
    int ready = 0, aborted = 0, wrong = 0;
    for (int i = 0; i < rounds; ++i) {
        answer wait;
        pair.first.async_wait(tcp::socket::wait_read, wait.handler(by.signal));
        const char data = nth(i);
        pair.second.send(buffer(&data, 1));
        by.emit(i);
        finish(io, wait, by);
        if (wait.aborted())
            ++aborted;
        else
            ++(wait.succeeded() ? ready : wrong);
        char got = 0;
        pair.first.receive(buffer(&got, 1));
        wrong += got != data;
    }
    CHECK(wrong == 0);
    CHECK(ready + aborted == rounds);
}
