// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_stream_socket.hpp>

#include "loopback.hpp"

#include <support/bare_sockets.hpp>
#include <support/capabilities.hpp>

#include <rill/context/executor_work_guard.hpp>
#include <rill/local/connect_pair.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

using namespace loopback;
using rill::buffer;
using rill::error_code;
namespace error = rill::error;

namespace {

using plain_executor = rill::io_context::executor_type;
using plain_socket = rill::basic_stream_socket<tcp, plain_executor>;

static_assert(std::is_constructible_v<tcp::socket, plain_socket&&>);
static_assert(std::is_assignable_v<tcp::socket&, plain_socket&&>);
static_assert(!std::is_constructible_v<plain_socket, tcp::socket&&>);

/// Runs a context on a thread of its own while it lives.
class background {
public:
    explicit background(rill::io_context& io) : work_(io.get_executor()), thread_([&io] { io.run(); }) {}
    ~background() { join(); }
    /// Waits until all is done.
    void join() {
        work_.reset();
        if (thread_.joinable())
            thread_.join();
    }

private:
    rill::executor_work_guard<plain_executor> work_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("closing a socket ends its operations", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    fill(pair);
    const bare::handle native = pair.first.native_handle();
    answer read, write, wait;
    char data[4];
    pair.first.async_read_some(buffer(data), read.handler());
    pair.first.async_write_some(buffer("x", 1), write.handler());
    pair.first.async_wait(tcp::socket::wait_error, wait.handler());
    const bool started = GENERATE(true, false);
    if (started)
        io.poll();
    switch (GENERATE(0, 1, 2, 3)) {
    case 0: pair.first.close(); break;
    case 1: pair.first = tcp::socket(io); break;
    case 2: pair.first.release(); break;
    default: tcp::socket(std::move(pair.first)); break;
    }
    CHECK_FALSE(pair.first.is_open());
    CHECK(read.calls + write.calls + wait.calls == 0);
    run(io);
    CHECK(read.aborted());
    CHECK(write.aborted());
    CHECK(wait.aborted());
    if (bare::is_open(native))
        bare::close(native);  // it was released
    CHECK_FALSE(bare::is_open(native));
}

TEST_CASE("a socket may be closed and destroyed in its own handler", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    auto first = std::make_unique<tcp::socket>(io);
    tcp::socket second(io);
    connect(*first, second);
    char data[4];
    answer other;
    first->async_read_some(buffer(data, 1), [&](error_code, std::size_t) { first.reset(); });
    first->async_read_some(buffer(data, 1), other.handler());
    io.poll();
    second.send(buffer("x", 1));
    run(io);
    CHECK(other.aborted());
}

TEST_CASE("a socket can be opened again after it was closed with operations pending", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    answer old_read, read;
    char data[4];
    pair.first.async_read_some(buffer(data), old_read.handler());
    if (GENERATE(true, false))
        io.poll();
    pair.first.close();
    pair.second.close();
    connect(pair.first, pair.second);
    pair.first.async_read_some(buffer(data), read.handler());
    pair.second.send(buffer("x", 1));
    run(io);
    CHECK(old_read.aborted());
    CHECK(read.succeeded());
}

TEST_CASE("a socket may be moved with operations in flight", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    answer read, aborted;
    char data[4];
    pair.first.async_read_some(buffer(data), read.handler());
    if (GENERATE(true, false))
        io.poll();
    tcp::socket moved(std::move(pair.first));
    CHECK_FALSE(pair.first.is_open());
    tcp::socket assigned(io);
    assigned = std::move(moved);
    pair.second.send(buffer("x", 1));
    run(io);
    CHECK(read.succeeded());

    // Each answers for its own operations, and the one that was moved from is as good as new.
    assigned.async_read_some(buffer(data), aborted.handler());
    CHECK_FALSE(pair.first.is_open());
    tcp::socket peer(io);
    connect(pair.first, peer);
    answer other;
    pair.first.async_read_some(buffer(data), other.handler());
    assigned.cancel();
    peer.send(buffer("y", 1));
    run(io);
    CHECK(aborted.aborted());
    CHECK(other.succeeded());
}

TEST_CASE("assigning to a socket closes what it was", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair one(io), two(io);
    answer read, kept;
    char data[4];
    one.first.async_read_some(buffer(data), read.handler());
    two.first.async_read_some(buffer(data), kept.handler());
    io.poll();
    one.first = std::move(two.first);
    io.poll();
    CHECK(read.aborted());
    two.second.send(buffer("x", 1));
    run(io);
    CHECK(kept.succeeded());
    error_code ec;
    one.second.read_some(buffer(data), ec);
    CHECK(ec == error::eof);
}

TEST_CASE("a socket becomes one with another executor, operations and all", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    plain_socket plain(io);
    tcp::socket peer(io);
    connect(plain, peer);
    answer read;
    char data[4];
    plain.async_read_some(buffer(data), read.handler());
    io.poll();
    tcp::socket general(std::move(plain));
    CHECK_FALSE(plain.is_open());
    CHECK(general.get_executor() == rill::any_io_executor(io.get_executor()));
    peer.send(buffer("x", 1));
    run(io);
    CHECK(read.succeeded());
    plain.open(tcp::v4());
    general = std::move(plain);
    CHECK(general.is_open());
    CHECK_FALSE(plain.is_open());
}

TEST_CASE("a released socket is the caller's, and can be given to another", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    answer read, again;
    char data[4];
    pair.first.async_read_some(buffer(data), read.handler());
    if (GENERATE(true, false))
        io.poll();
    const bare::handle native = pair.first.release();
    CHECK_FALSE(pair.first.is_open());
    CHECK(bare::is_open(native));
    run(io);
    CHECK(read.aborted());
    tcp::socket other(io, tcp::v4(), native);
    CHECK(other.native_handle() == native);
    CHECK(other.remote_endpoint() == pair.second.local_endpoint());
    other.async_read_some(buffer(data), again.handler());
    pair.second.send(buffer("x", 1));
    run(io);
    CHECK(again.succeeded());
}

TEST_CASE("a blocking native socket can be assigned", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    bare::handle natives[2];
    REQUIRE(bare::open_pair(natives));
    using local = rill::local::stream_protocol;
    local::socket first(io), second(io, local(), natives[1]);
    first.assign(local(), natives[0]);
    CHECK_FALSE(first.native_non_blocking());
    answer read;
    char data[4];
    first.async_read_some(buffer(data), read.handler());
    CHECK(first.native_non_blocking());
    io.poll();
    second.send(buffer("x", 1));
    run(io);
    CHECK(read.succeeded());
}

#if TEST_HAS_DESCRIPTORS
TEST_CASE("what cannot be waited for is refused when it is used", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::socket socket(io, tcp::v4(), ::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
    answer read;
    char data[4];
    socket.async_read_some(buffer(data), read.handler());
    run(io);
    CHECK(read.calls == 1);
    CHECK(read.ec);
}
#endif

TEST_CASE("sockets may be destroyed after their context", "[io][basic_stream_socket]") {
    std::optional<rill::io_context> io;
    io.emplace(GENERATE(solo, shared));
    tcp_pair pair(*io);
    tcp::socket unused(*io), untouched(*io, tcp::v4());
    answer read;
    auto life = std::make_shared<int>();
    char data[4];
    const bare::handle native = pair.first.native_handle();
    pair.first.async_read_some(buffer(data), read.handler());
    pair.first.async_read_some(buffer(data), [life](error_code, std::size_t) {});
    pair.second.async_write_some(buffer("x", 1), [life](error_code, std::size_t) {});
    if (GENERATE(true, false))
        io->poll();
    tcp::socket moved_before(std::move(pair.second));
    io.reset();
    CHECK(life.use_count() == 1);
    CHECK(pair.first.is_open());
    tcp::socket moved_after(std::move(pair.first));
    CHECK(bare::is_open(native));
    if (GENERATE(true, false)) {
        moved_after.close();
        CHECK_FALSE(bare::is_open(native));
    }
}

TEST_CASE("a handler that owns its socket is destroyed with the context", "[io][basic_stream_socket]") {
    auto life = std::make_shared<int>();
    {
        rill::io_context io(GENERATE(solo, shared));
        auto socket = std::make_shared<tcp::socket>(io);
        auto peer = std::make_shared<tcp::socket>(io);
        connect(*socket, *peer);
        static char data[4];
        auto& s = *socket;
        s.async_read_some(buffer(data), [socket, peer, life](error_code, std::size_t) {});
        // Destroying this one destroys the peer, whose own operation is destroyed in turn.
        auto& p = *peer;
        p.async_read_some(buffer(data), [peer, life](error_code, std::size_t) {});
        if (GENERATE(true, false))
            io.poll();
    }
    CHECK(life.use_count() == 1);
}

TEST_CASE("a socket is used from a thread that does not run its context", "[io][basic_stream_socket]") {
    rill::io_context io(GENERATE(solo, shared));
    std::atomic<int> aborted{0}, arrived{0}, others{0};
    auto note = [&](const error_code& ec, std::size_t) {
        ++(ec == error::operation_aborted ? aborted : ec ? others : arrived);
    };
    constexpr int rounds = 50;
    {
        background running(io);
        for (int i = 0; i < rounds; ++i) {
            tcp_pair pair(io);
            char data[4][1];
            pair.first.async_read_some(buffer(data[0]), note);
            pair.first.async_read_some(buffer(data[1]), note);
            pair.first.cancel();
            pair.first.async_read_some(buffer(data[2]), note);
            tcp::socket moved(std::move(pair.first));
            pair.second.send(buffer("x", 1));
            while (arrived != i + 1)
                std::this_thread::yield();
            moved.async_read_some(buffer(data[3]), note);
            if (i % 2)
                moved.close();
            else
                moved = tcp::socket(io);
            // The peer sees the end before anything else happens.
            pair.second.non_blocking(i % 4 < 2);
            char end;
            error_code ec;
            while (pair.second.read_some(buffer(&end, 1), ec), ec == error::would_block)
                std::this_thread::yield();
            CHECK(ec == error::eof);
            while (aborted != 3 * (i + 1))
                std::this_thread::yield();
        }
        running.join();
    }
    CHECK(others == 0);
    CHECK(arrived == rounds);
    CHECK(aborted == 3 * rounds);
}

TEST_CASE("a socket of a solo context is not released while another thread runs that", "[io][basic_stream_socket]") {
    rill::io_context io(solo);
    tcp_pair pair(io);
    std::atomic<bool> aborted{false};
    char data[4];
    error_code ec;
    {
        std::atomic<bool> runs{false};
        background running(io);
        io.get_executor().execute([&] { runs = true; });
        while (!runs)
            std::this_thread::yield();
        pair.first.async_read_some(buffer(data), [&](error_code, std::size_t) { aborted = true; });
        CHECK(pair.first.release(ec) == bare::none);
        CHECK(ec == error::operation_not_supported);
        CHECK(pair.first.is_open());
        CHECK_FALSE(aborted);
        pair.first.cancel();
        running.join();
    }
    CHECK(aborted);
    const bare::handle native = pair.first.release(ec);
    CHECK_FALSE(ec);
    bare::close(native);
}
