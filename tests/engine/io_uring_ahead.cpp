// SPDX-License-Identifier: BSL-1.0
#include <support/capabilities.hpp>

#if TEST_HAS_IO_URING

#include <rill/engine/driver/io_uring.hpp>

#include "rings.hpp"

#include <rill/context/executor_work_guard.hpp>
#include <rill/context/strand.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/post.hpp>

#include <support/soon.hpp>

#include <atomic>
#include <cerrno>
#include <optional>
#include <thread>

using namespace rings;
namespace constant = rill::engine::system::ring_constant;

namespace {

bool is_accept_ahead(const ::io_uring_sqe& e) {
    return e.opcode == IORING_OP_ACCEPT && (e.ioprio & constant::accept_multishot) != 0;
}
bool is_receive_ahead(const ::io_uring_sqe& e) {
    return e.opcode == IORING_OP_RECV && (e.ioprio & constant::receive_multishot) != 0;
}

/// What the kernel is given to take connections and bytes.
struct asked {
    int ahead = 0;   // requests that are answered again and again
    int single = 0;  // and others
    int to_fail = 0;
    int error = 0;

    std::optional<int> see(const ::io_uring_sqe& e) {
        if (e.opcode != IORING_OP_ACCEPT && e.opcode != IORING_OP_RECV)
            return {};
        const bool is_ahead = is_accept_ahead(e) || is_receive_ahead(e);
        ++(is_ahead ? ahead : single);
        if (!is_ahead || to_fail == 0)
            return {};
        --to_fail;
        return -error;
    }
    tapped tap{[this](::io_uring_sqe& e) { return see(e); }};
};

bool goes_on() { return rill::engine::tried_ring().answers_on; }

/// Accepts everyone, and sends back what they send; all of it ahead.
struct echo_server {
    explicit echo_server(io_context& io) : acceptor(io, any_port()), turns(rill::make_strand(io)) {
        acceptor.accept_ahead();
    }

    struct session : std::enable_shared_from_this<session> {
        explicit session(tcp::socket s) : socket(std::move(s)) { socket.receive_ahead(); }
        void read() {
            if (++turns % 3 == 0)
                return socket.async_receive_buffer(
                    [self = shared_from_this()](error_code ec, rill::received_buffer b) mutable {
                        if (ec)
                            return;
                        auto bytes = buffer(b);
                        rill::async_write(self->socket, bytes, [self, b = std::move(b)](error_code e, std::size_t) {
                            if (!e)
                                self->read();
                        });
                    });
            socket.async_read_some(buffer(memory), [self = shared_from_this()](error_code ec, std::size_t n) {
                if (ec)
                    return;
                rill::async_write(self->socket, buffer(self->memory, n), [self](error_code e, std::size_t) {
                    if (!e)
                        self->read();
                });
            });
        }
        tcp::socket socket;
        char memory[32];
        int turns = 0;
    };

    void accept() {
        acceptor.async_accept(rill::bind_executor(turns, [this](error_code ec, tcp::socket s) {
            if (!ec) {
                ++accepted;
                std::make_shared<session>(std::move(s))->read();
            }
            if (goes_on && (!ec || ec == error::operation_aborted))
                accept();
        }));
    }

    tcp::acceptor acceptor;
    rill::strand<io_context::executor_type> turns;  // of the acceptor's
    int accepted = 0;
    std::atomic<bool> goes_on{true};
};

}  // namespace

TEST_CASE("one request of the kernel's accepts all connections, and one receives all messages", "[engine][io_uring]") {
    if (!have_rings() || !goes_on())
        return;
    const environment_variable wish("RILL_IO_URING", GENERATE("", "pinned"));
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    asked seen;
    SECTION("connections") {
        tcp::acceptor acceptor(io, any_port());
        acceptor.accept_ahead();
        std::deque<tcp::socket> clients;
        for (int i = 0; i != 20; ++i) {
            int calls = 0;
            acceptor.async_accept([&](error_code ec, tcp::socket) { calls += !ec; });
            io.poll();
            clients.emplace_back(io).connect(acceptor.local_endpoint());
            REQUIRE(run_until(io, [&] { return calls == 1; }));
        }
        CHECK(seen.ahead == 1);
        CHECK(seen.single == 0);
        // Nobody accepts any more: nothing is accepted.
        acceptor.async_accept([&](error_code ec, tcp::socket) { CHECK(ec == error::operation_aborted); });
        acceptor.cancel();
        CHECK(runs_out(io));
        clients.emplace_back(io).connect(acceptor.local_endpoint());
        io.poll();
        int handle = ::accept(acceptor.native_handle(), nullptr, nullptr);
        CHECK(handle >= 0);
        ::close(handle);
    }
    SECTION("messages") {
        tcp_pair pair(io);
        pair.second.receive_ahead();
        char memory[8];
        for (int i = 0; i != 20; ++i) {
            std::size_t bytes = 0;
            if (i % 2)
                pair.second.async_read_some(buffer(memory), [&](error_code, std::size_t n) { bytes = n; });
            else
                pair.second.async_receive_buffer([&](error_code, rill::received_buffer b) { bytes = b.size(); });
            io.poll();
            rill::write(pair.first, buffer("12345", 5));
            REQUIRE(run_until(io, [&] { return bytes == 5; }));
        }
        CHECK(seen.ahead == 1);
        CHECK(seen.single == 0);
        pair.second.async_read_some(buffer(memory),
                                    [&](error_code ec, std::size_t) { CHECK(ec == error::operation_aborted); });
        pair.second.cancel();
        CHECK(runs_out(io));
        rill::write(pair.first, buffer("12345", 5));
        io.poll();
        CHECK(::recv(pair.second.native_handle(), memory, sizeof(memory), 0) == 5);
    }
}

TEST_CASE("nothing is received ahead while a read that began before it waits", "[engine][io_uring]") {
    if (!have_rings() || !goes_on())
        return;
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    asked seen;
    tcp_pair pair(io);
    char memory[2][8];
    std::string order;
    pair.second.async_read_some(buffer(memory[0]), [&](error_code, std::size_t n) { order.append(memory[0], n); });
    io.poll();
    pair.second.receive_ahead();
    pair.second.async_read_some(buffer(memory[1]), [&](error_code, std::size_t n) { order.append(memory[1], n); });
    io.poll();
    CHECK(seen.ahead == 0);
    rill::write(pair.first, buffer("one", 3));
    REQUIRE(run_until(io, [&] { return order == "one"; }));
    rill::write(pair.first, buffer("two", 3));
    REQUIRE(run_until(io, [&] { return order == "onetwo"; }));
    CHECK(seen.ahead == 1);
}

TEST_CASE("a listener is not accepted from without end while nobody asks", "[engine][io_uring]") {
    if (!have_rings() || !goes_on())
        return;
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    tcp::acceptor acceptor(io, any_port());
    acceptor.accept_ahead();
    int calls = 0;
    acceptor.async_accept([&](error_code, tcp::socket) { ++calls; });
    std::deque<tcp::socket> clients;
    const auto descriptors = open_descriptors();
    const auto work = rill::make_work_guard(io);  // as a server that has other things to do
    while (clients.size() != 100) {
        clients.emplace_back(io).connect(acceptor.local_endpoint());
        for (int i = 0; i != 4; ++i)
            io.poll();
    }
    CHECK(calls == 1);
    const auto kept = open_descriptors() - descriptors - std::ptrdiff_t{100};
    CHECK(kept >= std::ptrdiff_t{rill::engine::connections_ahead::most});
    CHECK(kept < 80);
}

TEST_CASE("where the kernel does not accept or receive ahead, each is asked for", "[engine][io_uring]") {
    if (!have_rings() || !goes_on())
        return;
    const int why = GENERATE(EMFILE, ENFILE, EINVAL, ECONNABORTED, EAGAIN, EFAULT, ENOMEM, EOPNOTSUPP, ENOBUFS);
    const int times = GENERATE(1, 3, 1000);
    CAPTURE(why, times);
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    asked seen;
    seen.to_fail = times;
    seen.error = why;
    SECTION("connections") {
        tcp::acceptor acceptor(io, any_port());
        acceptor.accept_ahead();
        std::deque<tcp::socket> clients;
        tcp::endpoint from;
        for (int i = 0; i != 6; ++i) {
            int calls = 0;
            acceptor.async_accept(from, [&](error_code ec, tcp::socket) {
                CHECK_FALSE(ec);
                ++calls;
            });
            io.poll();
            clients.emplace_back(io).connect(acceptor.local_endpoint());
            REQUIRE(run_until(io, [&] { return calls == 1; }));
            CHECK(from == clients.back().local_endpoint());
        }
        CHECK(seen.single == (times == 1 ? 1 : times == 3 ? 3 : 6));
    }
    // Others are the connection's own.
    if (why == EINVAL || why == EAGAIN || why == EFAULT || why == EOPNOTSUPP || why == ENOBUFS) {
        SECTION("messages") {
            tcp_pair pair(io);
            pair.second.receive_ahead();
            char memory[8];
            for (int i = 0; i != 6; ++i) {
                std::size_t bytes = 0;
                pair.second.async_read_some(buffer(memory), [&](error_code ec, std::size_t n) {
                    CHECK_FALSE(ec);
                    bytes = n;
                });
                io.poll();
                rill::write(pair.first, buffer("12345", 5));
                REQUIRE(run_until(io, [&] { return bytes == 5; }));
            }
            CHECK(seen.single == (times == 1 ? 1 : times == 3 ? 3 : 6));
        }
    }
}

TEST_CASE("an error of the connection ends what receives ahead, once", "[engine][io_uring]") {
    if (!have_rings() || !goes_on())
        return;
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    asked seen;
    seen.to_fail = 1;
    seen.error = ECONNRESET;
    tcp_pair pair(io);
    pair.second.receive_ahead();
    char memory[8];
    std::vector<error_code> got;
    for (int i = 0; i != 2; ++i)
        pair.second.async_read_some(buffer(memory), [&](error_code ec, std::size_t) { got.push_back(ec); });
    REQUIRE(run_until(io, [&] { return got.size() == 1; }));
    CHECK(got[0] == error::connection_reset);
    rill::write(pair.first, buffer("1", 1));
    REQUIRE(run_until(io, [&] { return got.size() == 2; }));
    CHECK_FALSE(got[1]);
}

TEST_CASE("a connection that has gone before it is asked for is passed over where its address is wanted",
          "[engine][io_uring]") {
    if (!have_rings() || !goes_on())
        return;
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    tcp::acceptor acceptor(io, any_port());
    const bool reports = GENERATE(false, true);
    acceptor.set_option(tcp::acceptor::enable_connection_aborted(reports));
    acceptor.accept_ahead();
    tcp::socket first(io), gone(io), last(io);
    int calls = 0;
    tcp::endpoint from;
    error_code told;
    const auto accept = [&] {
        acceptor.async_accept(from, [&](error_code ec, tcp::socket) {
            ++calls;
            told = ec;
        });
    };
    accept();
    first.connect(acceptor.local_endpoint());
    REQUIRE(run_until(io, [&] { return calls == 1; }));
    const auto descriptors = open_descriptors();
    gone.connect(acceptor.local_endpoint());
    for (int i = 0; i != 20; ++i)
        io.poll();  // it is accepted
    gone.set_option(tcp::socket::linger(true, 0));
    gone.close();  // with a reset
    last.connect(acceptor.local_endpoint());
    accept();
    REQUIRE(run_until(io, [&] { return calls == 2; }));
    if (reports) {
        CHECK(told == error::connection_aborted);
        accept();
        REQUIRE(run_until(io, [&] { return calls == 3; }));
    }
    CHECK_FALSE(told);
    CHECK(from == last.local_endpoint());
    CHECK(open_descriptors() == descriptors + 1);  // last
}

TEST_CASE("what the kernel gives back unasked is put in again", "[engine][io_uring]") {
    if (!have_rings() || !goes_on())
        return;
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    asked seen;
    seen.to_fail = 3;
    seen.error = GENERATE(ECANCELED, EINTR);
    tcp_pair pair(io);
    pair.second.receive_ahead();
    tcp::acceptor acceptor(io, any_port());
    acceptor.accept_ahead();
    tcp::socket client(io);
    char memory[8];
    int received = 0, accepted = 0;
    pair.second.async_read_some(buffer(memory), [&](error_code ec, std::size_t n) { received += !ec && n == 1; });
    acceptor.async_accept([&](error_code ec, tcp::socket) { accepted += !ec; });
    io.poll();
    rill::write(pair.first, buffer("1", 1));
    client.connect(acceptor.local_endpoint());
    CHECK(run_until(io, [&] { return received + accepted == 2; }));
    CHECK(seen.single == 0);
}

TEST_CASE("the thread that has asked for what is taken ahead may end", "[engine][io_uring]") {
    if (!have_rings() || !goes_on())
        return;
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    tcp_pair pair(io);
    tcp::acceptor acceptor(io, any_port());
    tcp::socket client(io);
    char memory[8];
    int received = 0, accepted = 0;
    std::thread first([&] {
        pair.second.receive_ahead();
        acceptor.accept_ahead();
        pair.second.async_read_some(buffer(memory), [&](error_code ec, std::size_t n) { received += !ec && n == 1; });
        acceptor.async_accept([&](error_code ec, tcp::socket) { accepted += !ec; });
        io.poll();
    });
    first.join();
    rill::write(pair.first, buffer("1", 1));
    client.connect(acceptor.local_endpoint());
    CHECK(run_until(io, [&] { return received + accepted == 2; }));
}

TEST_CASE("no connection and no byte is lost while what is taken ahead is cancelled and rings change",
          "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    const int hint = GENERATE(solo, shared);
    const int runners = hint == solo ? 1 : GENERATE(1, 2);
    std::optional<io_context> io(std::in_place, rill::backend::io_uring, hint);
    const auto descriptors = open_descriptors();
    constexpr int rounds = 12;
    std::atomic<int> served{0}, finished{0};
    std::optional<echo_server> s(std::in_place, *io);
    const tcp::endpoint at = s->acceptor.local_endpoint();
    auto work = rill::make_work_guard(*io);
    rill::post(s->turns, [&] { s->accept(); });
    std::vector<std::thread> running;
    for (int i = 0; i != runners; ++i)
        running.emplace_back([&] {
            while (!io->stopped())
                io->run_for(20ms);
        });
    std::vector<std::thread> talking;
    for (int i = 0; i != 2; ++i)
        talking.emplace_back([&, i] {
            io_context own(rill::backend::poll);
            for (int round = 0; round != rounds; ++round) {
                tcp::socket c(own);
                error_code ec;
                c.connect(at, ec);
                bool is_intact = !ec;
                for (int message = 0; message != 8 && is_intact; ++message) {
                    const std::string sent(static_cast<std::size_t>(1 + (round * 7 + message * 13 + i) % 90),
                                           static_cast<char>('a' + message));
                    std::string heard(sent.size(), ' ');
                    rill::write(c, buffer(sent), ec);
                    rill::read(c, buffer(heard), ec);
                    is_intact = !ec && heard == sent;
                }
                served += is_intact;
                if (round % 2)
                    c.set_option(tcp::socket::linger(true, 0), ec);
            }
            ++finished;
        });
    std::atomic<bool> is_cancelled{true};
    while (finished != 2)
        if (is_cancelled.exchange(false))
            rill::post(s->turns, [&] {
                s->acceptor.cancel();
                is_cancelled = true;
            });
        else
            std::this_thread::yield();
    for (auto& t : talking)
        t.join();
    CHECK(served == 2 * rounds);
    std::atomic<bool> is_over{false};
    s->goes_on = false;
    rill::post(s->turns, [&] {
        s->acceptor.close();
        is_over = true;
    });
    CHECK(soon([&] { return is_over.load(); }));
    work.reset();
    for (auto& t : running)
        t.join();
    CHECK(s->accepted == 2 * rounds);
    CHECK(runs_out(*io));
    s.reset();
    CHECK(open_descriptors() == descriptors);
}

TEST_CASE("what ends an acceptor or a socket that takes ahead keeps nothing", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    const int hint = GENERATE(solo, shared);
    enum class end { context, objects, close_elsewhere };
    const end first_to_go = GENERATE(end::context, end::objects, end::close_elsewhere);
    const auto descriptors = open_descriptors();
    for (int i = 0; i != 15; ++i) {
        std::optional<io_context> io(std::in_place, rill::backend::io_uring, hint);
        std::optional<tcp::acceptor> acceptor(std::in_place, *io, any_port());
        acceptor->accept_ahead();
        std::optional<tcp_pair> pair(std::in_place, *io);
        pair->second.receive_ahead();
        io_context own;
        tcp::socket one(own), two(own), three(own);
        const tcp::endpoint at = acceptor->local_endpoint();
        int accepted = 0, received = 0;
        char memory[4];
        acceptor->async_accept([&](error_code ec, tcp::socket) { accepted += !ec; });
        pair->second.async_read_some(buffer(memory), [&](error_code ec, std::size_t) { received += !ec; });
        one.connect(at);
        rill::write(pair->first, buffer("1", 1));
        REQUIRE(run_until(*io, [&] { return accepted + received == 2; }));
        if (i % 3 == 0) {
            acceptor->async_accept([&](error_code, tcp::socket) {});
            pair->second.async_receive_buffer([&](error_code, rill::received_buffer) {});
        }
        if (first_to_go == end::close_elsewhere) {
            auto work = rill::make_work_guard(*io);
            std::thread runner([&] { io->run(); });
            two.connect(at);
            rill::write(pair->first, buffer("2", 1));
            three.connect(at);
            pair->second.close();
            acceptor->close();
            work.reset();
            runner.join();
        } else {
            two.connect(at);
            three.connect(at);
            rill::write(pair->first, buffer("2", 1));
            if (i % 2)
                io->poll();
            if (first_to_go == end::context)
                io.reset();
            acceptor.reset();
            pair.reset();
            io.reset();
        }
        // The last was accepted by nobody, or closed.
        error_code ec;
        char byte;
        CHECK(three.read_some(buffer(&byte, 1), ec) == 0);
        CHECK((ec == error::eof || ec == error::connection_reset));
    }
    CHECK(open_descriptors() == descriptors);
}

#endif
