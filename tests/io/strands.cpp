// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_stream_socket.hpp>

#include <rill/context/strand.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/bind_immediate_executor.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/dispatch.hpp>
#include <rill/token/post.hpp>

#include <io/loopback.hpp>

#include <atomic>
#include <thread>
#include <vector>

// I/O objects whose executor is a strand: every handler of theirs runs in it.

using namespace loopback;
using rill::io_context;
using typed_strand = rill::strand<io_context::executor_type>;

namespace {

/// Lets two threads run @p io until there is no more work.
void run_on_two_threads(io_context& io) {
    std::thread other([&io] { io.run(); });
    io.run();
    other.join();
}

/// A connection's two directions at once: a chain of reads and one of writes, which share what only the strand guards.
template <class Executor>
struct busy_end {
    static constexpr int rounds = 300;

    explicit busy_end(const typed_strand& s) : strand(s), socket(Executor(s)) {}

    void read() {
        socket.async_read_some(rill::buffer(received), [this](const rill::error_code& ec, std::size_t n) {
            note();
            bytes += n;
            if (!ec)
                read();
        });
    }
    void write() {
        socket.async_write_some(rill::buffer(sent), [this](const rill::error_code& ec, std::size_t) {
            note();
            if (ec || ++writes == rounds)
                socket.shutdown(tcp::socket::shutdown_send);
            else
                write();
        });
    }
    void note() {
        if (!strand.running_in_this_thread())
            outside = true;
        ++handlers;  // unguarded
    }

    typed_strand strand;
    rill::basic_stream_socket<tcp, Executor> socket;
    char received[16] = {};
    char sent[16] = {};
    int writes = 0, handlers = 0;
    std::size_t bytes = 0;
    bool outside = false;
};

template <class Executor>
void check_both_directions() {
    constexpr int pairs = 4;
    io_context io;
    std::vector<std::unique_ptr<busy_end<Executor>>> ends;
    for (int i = 0; i != 2 * pairs; ++i)
        ends.push_back(std::make_unique<busy_end<Executor>>(rill::make_strand(io)));
    for (std::size_t i = 0; i != ends.size(); i += 2)
        connect(ends[i]->socket, ends[i + 1]->socket);
    for (auto& end : ends)
        rill::post(end->strand, [&e = *end] {
            e.read();
            e.write();
        });
    run_on_two_threads(io);
    for (auto& end : ends) {
        CHECK_FALSE(end->outside);
        CHECK(end->bytes == sizeof(end->sent) * std::size_t(busy_end<Executor>::rounds));
        CHECK(end->handlers > busy_end<Executor>::rounds);
    }
}

}  // namespace

TEST_CASE("the handlers of a socket on a strand run in it, on two threads", "[io][strand]") {
    check_both_directions<typed_strand>();
}

TEST_CASE("the handlers of a socket on any_io_executor that holds a strand run in it, on two threads", "[io][strand]") {
    check_both_directions<rill::any_io_executor>();
}

TEST_CASE("an operation on a strand that is done at once completes in it, and not inside the call", "[io][strand]") {
    io_context io(GENERATE(solo, shared));
    auto s = rill::make_strand(io);
    rill::basic_stream_socket<tcp, typed_strand> a(s), b(s);
    connect(a, b);
    b.write_some(rill::buffer("x", 1));
    char data[4];
    bool started = false, in_strand = false, later = false;
    auto start = [&] {
        a.async_read_some(rill::buffer(data), [&](const rill::error_code& ec, std::size_t n) {
            in_strand = s.running_in_this_thread() && !ec && n == 1;
            later = started;
        });
        started = true;
    };
    SECTION("started from outside run()") { start(); }
    SECTION("started inside run()") { rill::post(io, start); }
    SECTION("started inside the strand") { rill::post(s, start); }
    run(io);
    CHECK(in_strand);
    CHECK(later);
}

TEST_CASE("a timer on a strand completes in it", "[io][strand]") {
    io_context io(GENERATE(solo, shared));
    auto s = rill::make_strand(io);
    rill::basic_waitable_timer<std::chrono::steady_clock, rill::wait_traits<std::chrono::steady_clock>, typed_strand>
        timer(s);
    timer.expires_after(0s);
    int in_strand = 0;
    timer.async_wait([&](const rill::error_code&) { in_strand += s.running_in_this_thread(); });
    run(io);
    timer.expires_after(1h);
    timer.async_wait([&](const rill::error_code& ec) {
        in_strand += s.running_in_this_thread() && ec == rill::error::operation_aborted;
    });
    timer.cancel();
    run(io);
    CHECK(in_strand == 2);
}

TEST_CASE("a handler bound to a strand runs in it", "[io][strand]") {
    io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    auto s = rill::make_strand(io);
    answer read;
    bool in_strand = false;
    char data[4];
    rill::post(s, [&] {  // the strand is busy when the read completes
        pair.second.write_some(rill::buffer("x", 1));
        pair.first.async_read_some(rill::buffer(data),
                                   rill::bind_executor(s, [&, h = read.handler()](auto ec, std::size_t n) mutable {
                                       in_strand = s.running_in_this_thread();
                                       h(ec, n);
                                   }));
    });
    run(io);
    CHECK(read.succeeded());
    CHECK(in_strand);
}

TEST_CASE("an operation completes at once through a strand as immediate executor", "[io][strand]") {
    io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    auto s = rill::make_strand(io);
    pair.second.write_some(rill::buffer("x", 1));
    bool in_strand = false, at_once = false, returned = false;
    char data[4];
    rill::post(s, [&] {
        pair.first.async_read_some(rill::buffer(data),
                                   rill::bind_immediate_executor(s, [&](const rill::error_code&, std::size_t) {
                                       in_strand = s.running_in_this_thread();
                                       at_once = !returned;
                                   }));
        returned = true;
    });
    run(io);
    CHECK(in_strand);
    CHECK(at_once);
}

TEST_CASE("a coroutine spawned on a strand runs in it, on two threads", "[io][strand]") {
    io_context io;
    constexpr int coroutines = 8, rounds = 200;
    auto s = rill::make_strand(io);
    int steps = 0;  // unguarded
    std::atomic<int> outside{0};
    auto work = [&]() -> rill::awaitable<void> {
        rill::steady_timer timer(s);
        for (int i = 0; i != rounds; ++i) {
            outside += !s.running_in_this_thread();
            ++steps;
            if (i % 2) {
                timer.expires_after(1us);
                co_await timer.async_wait(rill::use_awaitable);
            } else {
                co_await rill::post(s, rill::use_awaitable);
            }
        }
    };
    for (int i = 0; i != coroutines; ++i)
        rill::co_spawn(s, work(), rill::detached);
    run_on_two_threads(io);
    CHECK(steps == coroutines * rounds);
    CHECK(outside == 0);
}

TEST_CASE("a context destroyed with operations on strands destroys their handlers uncalled", "[io][strand]") {
    auto alive = std::make_shared<int>(0);
    int calls = 0;
    char data[4];
    {
        io_context io(GENERATE(solo, shared));
        auto s = rill::make_strand(io);
        rill::basic_stream_socket<tcp, typed_strand> a(s), b(s);
        connect(a, b);
        a.async_read_some(rill::buffer(data), [&calls, alive](const rill::error_code&, std::size_t) { ++calls; });
        rill::post(s, [] { throw 1; });
        rill::post(s, [&calls, alive] { ++calls; });
        CHECK_THROWS_AS(io.run(), int);
        CHECK(alive.use_count() == 3);
    }
    CHECK(calls == 0);
    CHECK(alive.use_count() == 1);
}
