// SPDX-License-Identifier: BSL-1.0
#include <rill/io/received_buffer.hpp>

#include "loopback.hpp"

#include <rill/io/basic_stream_socket.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/token/post.hpp>

#include <support/capabilities.hpp>
#include <support/child_process.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace loopback;
using rill::buffer;
using rill::error_code;
using rill::received_buffer;
using local = rill::local::stream_protocol;
namespace error = rill::error;

namespace {

struct receipt {
    int calls = 0;
    error_code ec;
    received_buffer data;

    auto handler() {
        struct noting {
            explicit noting(receipt& r) : to(&r) {}
            noting(noting&&) = default;
            void operator()(const error_code& e, received_buffer b) {
                ++to->calls;
                to->ec = e;
                to->data = std::move(b);
            }
            receipt* to;
        };
        return noting(*this);
    }
    auto handler(rill::cancellation_signal& signal) { return rill::bind_cancellation_slot(signal.slot(), handler()); }

    std::string_view text() const { return {data.data(), data.size()}; }
    bool got(std::string_view expected) const { return calls == 1 && !ec && text() == expected; }
    bool ended(const error_code& e) const { return calls == 1 && ec == e && data.empty(); }
};

rill::config_from_string few_buffers(int hint, int count, int size = 64) {
    return rill::config_from_string("scheduler.concurrency_hint=" + std::to_string(hint) + "\nreceive_buffers.count=" +
                                    std::to_string(count) + "\nreceive_buffers.size=" + std::to_string(size));
}

}  // namespace

TEST_CASE("a buffer that came back for one who had given up is there for the next, and one who waits is told of it",
          "[io][receive_buffer]") {
    rill::io_context io(few_buffers(GENERATE(solo, shared), 1));
    tcp_pair a(io), b(io);
    receipt held, gave_up, taken, waits;
    a.first.send(buffer("1", 1));
    a.second.async_receive_buffer(held.handler());
    run(io);
    REQUIRE(held.got("1"));
    a.first.send(buffer("2", 1));
    a.second.async_receive_buffer(gave_up.handler());
    for (int i = 0; i != 5; ++i) {
        io.restart();
        io.poll();
    }
    rill::post(io, [&] {
        held.data.reset();
        a.second.cancel();
    });
    run(io);
    CHECK(gave_up.calls == 1);
    if (!gave_up.ec)
        return;  // it had been received already
    b.first.send(buffer("3", 1));
    b.second.async_receive_buffer(taken.handler());
    run(io);
    REQUIRE(taken.got("3"));
    a.second.async_receive_buffer(waits.handler());
    for (int i = 0; i != 5; ++i) {
        io.restart();
        io.poll();
    }
    CHECK(waits.calls == 0);
    std::thread other;
    rill::post(io, [&] { other = std::thread([&] { taken.data.reset(); }); });
    run(io);
    other.join();
    CHECK(waits.got("2"));
}

TEST_CASE("received bytes come in memory of the context's", "[io][receive_buffer]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    receipt early, late;
    SECTION("there before") {
        pair.first.send(buffer("hello", 5));
        pair.second.wait(tcp::socket::wait_read);
        pair.second.async_receive_buffer(early.handler());
        CHECK(early.calls == 0);
        run(io);
    }
    SECTION("there later") {
        pair.second.async_receive_buffer(early.handler());
        io.poll();
        CHECK(early.calls == 0);
        pair.first.send(buffer("hello", 5));
        run(io);
    }
    CHECK(early.got("hello"));
    const rill::const_buffer converted = early.data;
    CHECK(converted.data() == early.data.data());
    CHECK(converted.size() == 5);
    pair.second.async_receive_buffer(late.handler());
    pair.first.send(buffer("again", 5));
    run(io);
    CHECK(late.got("again"));
    CHECK(early.got("hello"));
    CHECK(late.data.data() != early.data.data());
}

TEST_CASE("a received buffer is moved, sent, and given back once", "[io][receive_buffer]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    receipt r;
    pair.second.async_receive_buffer(r.handler());
    pair.first.send(buffer("hello", 5));
    run(io);
    received_buffer moved(std::move(r.data));
    CHECK(r.data.empty());
    CHECK(r.data.data() == nullptr);
    r.data = std::move(moved);
    CHECK(r.text() == "hello");
    answer sent;
    pair.second.async_write_some(buffer(r.data), sent.handler());
    run(io);
    CHECK(sent.bytes == 5);
    char back[8];
    CHECK(pair.first.receive(buffer(back)) == 5);
    r.data.reset();
    r.data.reset();
    CHECK(r.data.empty());
}

TEST_CASE("local sockets receive without a buffer, too", "[io][receive_buffer]") {
    rill::io_context io(GENERATE(solo, shared));
    local::socket first(io), second(io);
    rill::local::connect_pair(first, second);
    receipt r, end;
    second.async_receive_buffer(r.handler());
    first.send(buffer("hello", 5));
    run(io);
    CHECK(r.got("hello"));
    first.close();
    second.async_receive_buffer(end.handler());
    run(io);
    CHECK(end.ended(error::eof));
}

TEST_CASE("receives with and without a buffer keep their order", "[io][receive_buffer]") {
    rill::io_context io(few_buffers(GENERATE(solo, shared), 4, 4));
    tcp_pair pair(io);
    std::string got;
    char plain[2][4];
    std::vector<receipt> receipts(2);
    answer plain_answers[2];
    for (std::size_t i = 0; i < 2; ++i) {
        pair.second.async_receive_buffer(receipts[i].handler());
        pair.second.async_read_some(buffer(plain[i]), plain_answers[i].handler());
    }
    io.poll();
    pair.first.send(buffer("aaaabbbbccccdddd", 16));
    run(io);
    CHECK(receipts[0].got("aaaa"));
    CHECK(std::string_view(plain[0], plain_answers[0].bytes) == "bbbb");
    CHECK(receipts[1].got("cccc"));
    CHECK(std::string_view(plain[1], plain_answers[1].bytes) == "dddd");
}

TEST_CASE("the end, a reset and a closed socket are told without a buffer", "[io][receive_buffer]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    receipt r, closed;
    SECTION("the end") {
        pair.second.async_receive_buffer(r.handler());
        io.poll();
        pair.first.shutdown(tcp::socket::shutdown_send);
        run(io);
        CHECK(r.ended(error::eof));
        receipt again;
        pair.second.async_receive_buffer(again.handler());
        run(io);
        CHECK(again.ended(error::eof));
    }
    SECTION("a reset") {
        pair.second.async_receive_buffer(r.handler());
        io.poll();
        pair.first.set_option(tcp::socket::linger(true, 0));
        pair.first.close();
        run(io);
        CHECK((r.ended(error::connection_reset) || (TEST_TELLS_END_BEFORE_RESET && r.ended(error::eof))));
    }
    SECTION("closed") {
        pair.second.async_receive_buffer(r.handler());
        io.poll();
        pair.second.close();
        run(io);
        CHECK(r.ended(error::operation_aborted));
        pair.second.async_receive_buffer(closed.handler());
        run(io);
        CHECK(closed.ended(error::bad_descriptor));
    }
}

TEST_CASE("a receive without a buffer is cancelled by each type, and takes nothing", "[io][receive_buffer]") {
    rill::io_context io(GENERATE(solo, shared));
    const auto type =
        GENERATE(rill::cancellation_type::terminal, rill::cancellation_type::partial, rill::cancellation_type::total);
    tcp_pair pair(io);
    rill::cancellation_signal signal;
    receipt cancelled, next;
    pair.second.async_receive_buffer(cancelled.handler(signal));
    pair.second.async_receive_buffer(next.handler());
    io.poll();
    signal.emit(type);
    pair.first.send(buffer("hello", 5));
    run(io);
    CHECK(cancelled.ended(error::operation_aborted));
    CHECK(next.got("hello"));
}

TEST_CASE("what arrives while all buffers are in use waits until one comes back", "[io][receive_buffer]") {
    rill::io_context io(few_buffers(GENERATE(solo, shared), 2));
    constexpr std::size_t count = 6;
    std::vector<std::unique_ptr<tcp_pair>> pairs;
    std::vector<receipt> receipts(count);
    for (std::size_t i = 0; i < count; ++i) {
        pairs.push_back(std::make_unique<tcp_pair>(io));
        pairs[i]->first.send(buffer("hello", 5));
        pairs[i]->second.wait(tcp::socket::wait_read);
        pairs[i]->second.async_receive_buffer(receipts[i].handler());
    }
    const auto received = [&] {
        std::size_t n = 0;
        for (const receipt& r : receipts)
            n += r.got("hello");
        return n;
    };
    std::size_t done = 0;
    while (done < count) {
        REQUIRE(run_until(io, [&] { return received() == 2; }));
        for (int i = 0; i < 20; ++i)
            io.poll();
        CHECK(received() == 2);
        for (receipt& r : receipts) {
            if (r.data.empty())
                continue;
            ++done;
            r.data.reset();
        }
    }
    CHECK(run(io) == 0);
    for (const receipt& r : receipts)
        CHECK(r.calls == 1);
}

TEST_CASE("a buffer that another thread gives back wakes a context that waits for it", "[io][receive_buffer]") {
    rill::io_context io(few_buffers(GENERATE(solo, shared), 1));
    tcp_pair a(io), b(io);
    receipt first, second;
    a.second.async_receive_buffer(first.handler());
    a.first.send(buffer("one", 3));
    run(io);
    REQUIRE(first.got("one"));
    b.first.send(buffer("two", 3));
    b.second.wait(tcp::socket::wait_read);
    b.second.async_receive_buffer(second.handler());
    io.restart();
    io.poll();
    CHECK(second.calls == 0);
    std::thread helper([&, held = std::move(first.data)]() mutable { held.reset(); });
    run(io);
    helper.join();
    CHECK(second.got("two"));
}

TEST_CASE("idle receives leave a returning buffer to those that have something", "[io][receive_buffer]") {
    rill::io_context io(few_buffers(GENERATE(solo, shared), 1));
    constexpr std::size_t idle = 10;
    std::vector<std::unique_ptr<tcp_pair>> pairs;
    std::vector<receipt> receipts(idle + 1);
    tcp_pair holder(io);
    receipt held;
    holder.second.async_receive_buffer(held.handler());
    holder.first.send(buffer("held", 4));
    run(io);
    REQUIRE(held.got("held"));
    for (std::size_t i = 0; i <= idle; ++i) {
        pairs.push_back(std::make_unique<tcp_pair>(io));
        if (i == idle) {
            pairs[i]->first.send(buffer("hello", 5));
            pairs[i]->second.wait(tcp::socket::wait_read);
        }
        pairs[i]->second.async_receive_buffer([&io, &r = receipts[i]](const error_code& ec, received_buffer b) {
            r.handler()(ec, std::move(b));
            io.stop();
        });
    }
    io.restart();
    io.poll();
    CHECK(receipts[idle].calls == 0);
    held.data.reset();
    io.restart();
    io.run_for(10s);  // in one wait, if nothing wakes it
    CHECK(receipts[idle].got("hello"));
    receipts[idle].data.reset();
    for (std::size_t i = 0; i < idle; ++i) {
        CHECK(receipts[i].calls == 0);
        pairs[i]->first.send(buffer("later", 5));
        CHECK(run_until(io, [&] { return receipts[i].calls == 1; }));
        CHECK(receipts[i].got("later"));
        receipts[i].data.reset();
    }
}

TEST_CASE("a receive that waits for a buffer can be cancelled, closed, and destroyed", "[io][receive_buffer]") {
    std::optional<rill::io_context> io(std::in_place, few_buffers(GENERATE(solo, shared), 1));
    tcp_pair a(*io), b(*io);
    rill::cancellation_signal signal;
    receipt held, hungry, next;
    a.second.async_receive_buffer(held.handler());
    a.first.send(buffer("held", 4));
    run(*io);
    b.first.send(buffer("hello", 5));
    b.second.wait(tcp::socket::wait_read);
    b.second.async_receive_buffer(hungry.handler(signal));
    io->restart();
    io->poll();
    REQUIRE(hungry.calls == 0);
    SECTION("cancelled") {
        b.second.async_receive_buffer(next.handler());
        io->poll();
        signal.emit(rill::cancellation_type::terminal);
        held.data.reset();
        run(*io);
        CHECK(hungry.ended(error::operation_aborted));
        CHECK(next.got("hello"));
    }
    SECTION("cancelled, and followed by a plain one") {
        char data[8];
        answer plain;
        b.second.async_read_some(buffer(data), plain.handler());
        io->poll();
        signal.emit(rill::cancellation_type::total);
        run(*io);
        CHECK(hungry.ended(error::operation_aborted));
        CHECK(plain.bytes == 5);
        answer later;
        b.second.async_read_some(buffer(data), later.handler());
        io->restart();
        io->poll();
        b.first.send(buffer("xyz", 3));
        run(*io);
        CHECK(later.bytes == 3);
    }
    SECTION("closed") {
        b.second.close();
        run(*io);
        CHECK(hungry.ended(error::operation_aborted));
        held.data.reset();
        a.second.async_receive_buffer(next.handler());
        a.first.send(buffer("next", 4));
        run(*io);
        CHECK(next.got("next"));
    }
    SECTION("destroyed") {
        io.reset();
        CHECK(hungry.calls == 0);
    }
    held.data.reset();
}

TEST_CASE("a receive goes on when the thread that started it ends", "[io][receive_buffer]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp_pair pair(io);
    receipt r;
    std::thread([&] {
        pair.second.async_receive_buffer(r.handler());
        io.poll();
    }).join();
    io.restart();
    io.poll();
    CHECK(r.calls == 0);
    pair.first.send(buffer("hello", 5));
    run(io);
    CHECK(r.got("hello"));
}

TEST_CASE("a receive goes on when its context changes its ring", "[io][receive_buffer]") {
    rill::io_context io(rill::config_from_string("scheduler.concurrency_hint=1\n"
                                                 "scheduler.pinned=1\n"
                                                 "receive_buffers.count=3\n"));
    tcp_pair pair(io), idle(io);
    receipt held, waiting;
    idle.second.async_receive_buffer(waiting.handler());
    int rounds = 0;
    std::vector<received_buffer> kept;
    std::function<void()> receive = [&] {
        pair.second.async_receive_buffer([&](const error_code& ec, received_buffer b) {
            CHECK_FALSE(ec);
            CHECK(std::string_view(b.data(), b.size()) == "x");
            if (kept.empty())
                kept.push_back(std::move(b));
            if (++rounds % 200 == 0)
                io.stop();
            receive();
            pair.first.send(buffer("x", 1));
        });
    };
    receive();
    pair.first.send(buffer("x", 1));
    for (int i = 1; i <= 3; ++i) {
        io.restart();
        io.run_for(10s);
        CHECK(rounds == i * 200);
        if (i == 1)
            kept.front().reset();
    }
    idle.first.send(buffer("hello", 5));
    CHECK(run_until(io, [&] { return waiting.calls == 1; }));
    CHECK(waiting.got("hello"));
    pair.second.cancel();
    idle.second.close();
    receive = [] {};
    pair.second.close();
}

#if TEST_HAS_FORK
TEST_CASE("a new process goes on receiving, as does the old one", "[io][receive_buffer][fork]") {
    rill::io_context io(few_buffers(GENERATE(solo, shared), 2));
    local::socket first(io), second(io), first_child(io), second_child(io);
    rill::local::connect_pair(first, second);
    rill::local::connect_pair(first_child, second_child);
    receipt here, there, held;
    second.async_receive_buffer(held.handler());
    first.send(buffer("held", 4));
    run(io);
    REQUIRE(held.got("held"));
    second.async_receive_buffer(here.handler());
    second_child.async_receive_buffer(there.handler());
    io.restart();
    io.poll();
    io.notify_fork(rill::io_context::fork_prepare);
    const ::pid_t child = ::fork();
    if (child == 0)
        child_process::leave([&] {
            io.notify_fork(rill::io_context::fork_child);
            first_child.send(buffer("child", 5));
            io.restart();
            while (there.calls == 0)
                if (io.run_one_for(10s) == 0)
                    return false;
            const bool same = held.got("held") && there.got("child") && here.calls == 0;
            held.data.reset();
            there.data.reset();
            return same;
        });
    io.notify_fork(rill::io_context::fork_parent);
    CHECK(child_process(child).exit_code() == 1);
    first.send(buffer("parent", 6));
    CHECK(run_until(io, [&] { return here.calls == 1; }));
    CHECK(here.got("parent"));
    CHECK(there.calls == 0);
}
#endif

TEST_CASE("a received buffer outlives its context", "[io][receive_buffer]") {
    std::optional<rill::io_context> io(std::in_place, GENERATE(solo, shared));
    receipt r;
    {
        tcp_pair pair(*io);
        pair.second.async_receive_buffer(r.handler());
        pair.first.send(buffer("hello", 5));
        run(*io);
    }
    io.reset();
    CHECK(r.got("hello"));
    std::thread([&] { r.data.reset(); }).join();
}

TEST_CASE("a context that is destroyed takes back what was received and never delivered", "[io][receive_buffer]") {
    receipt r;
    {
        rill::io_context io(GENERATE(solo, shared));
        tcp_pair pair(io);
        pair.first.send(buffer("hello", 5));
        pair.second.wait(tcp::socket::wait_read);
        pair.second.async_receive_buffer(r.handler());
        tcp_pair other(io);
        other.second.async_receive_buffer(r.handler());
        io.poll_one();
        r.data.reset();
    }
    CHECK(r.calls <= 1);
}

TEST_CASE("a blocking receive brings memory of its own", "[io][receive_buffer]") {
    rill::io_context io(few_buffers(GENERATE(solo, shared), 1, 4));
    tcp_pair pair(io);
    pair.first.send(buffer("hello", 5));
    received_buffer a = pair.second.receive_buffer();
    received_buffer b = pair.second.receive_buffer();
    CHECK(std::string_view(a.data(), a.size()) == "hell");
    CHECK(std::string_view(b.data(), b.size()) == "o");
    error_code ec;
    pair.second.non_blocking(true);
    CHECK(pair.second.receive_buffer(ec).empty());
    CHECK(ec == error::would_block);
    pair.first.close();
    pair.second.non_blocking(false);
    CHECK_THROWS_AS(pair.second.receive_buffer(), rill::system_error);
    pair.second.close();
    CHECK(pair.second.receive_buffer(ec).empty());
    CHECK(ec == error::bad_descriptor);
}

TEST_CASE("several threads receive without buffers, and lose nothing", "[io][receive_buffer]") {
    rill::io_context io(few_buffers(shared, 3, 100));
    constexpr std::size_t connections = 8, total = 20'000;
    struct connection {
        explicit connection(rill::io_context& ctx) : pair(ctx), sent(total, 0) {
            for (std::size_t i = 0; i < total; ++i)
                sent[i] = static_cast<char>(i * 7 + i / 251);
        }
        void receive() {
            pair.second.async_receive_buffer([this](const error_code& e, received_buffer b) {
                got.append(b.data(), b.size());
                ec = e;
                if (!e)
                    receive();
            });
        }
        void send(std::size_t from) {
            if (from == total) {
                error_code ignored;
                pair.first.shutdown(tcp::socket::shutdown_send, ignored);
                return;
            }
            const std::size_t size = from + 777 < total ? 777 : total - from;
            pair.first.async_write_some(buffer(sent.data() + from, size),
                                        [this, from](const error_code& e, std::size_t n) {
                                            if (!e)
                                                send(from + n);
                                        });
        }
        tcp_pair pair;
        std::string sent, got;
        error_code ec;
    };
    std::vector<std::unique_ptr<connection>> all;
    for (std::size_t i = 0; i < connections; ++i) {
        all.push_back(std::make_unique<connection>(io));
        all[i]->receive();
        all[i]->send(0);
    }
    std::vector<std::thread> helpers;
    for (int i = 0; i < 3; ++i)
        helpers.emplace_back([&] { io.run_for(20s); });
    io.run_for(20s);
    for (std::thread& t : helpers)
        t.join();
    CHECK(io.stopped());
    for (const auto& c : all) {
        CHECK(c->got == c->sent);
        CHECK(c->ec == error::eof);
    }
}
