// SPDX-License-Identifier: BSL-1.0
#include <rill/compose/write.hpp>

#include <rill/context/io_context.hpp>
#include <rill/token/detached.hpp>
#include <support/catch.hpp>

#include <compose/streams.hpp>

#include <array>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace compose_test;
using rill::async_write;
using rill::buffer;
using rill::const_buffer;

namespace {

static_assert(rill::sync_write_stream<local_socket> && rill::async_write_stream<local_socket>);
static_assert(rill::sync_write_stream<memory_stream> && rill::async_write_stream<memory_stream>);
static_assert(!rill::async_write_stream<int> && !rill::sync_write_stream<std::string>);

const std::string text = "the quick brown fox";

std::vector<const_buffer> pieces() {
    return {buffer(text, 4), const_buffer(), const_buffer(text.data() + 4, 6), const_buffer(text.data() + 10, 9)};
}

/// Reads what is there, without waiting.
std::string drain(local_socket& socket) {
    socket.non_blocking(true);
    std::string all;
    std::vector<char> chunk(65536);
    for (error_code ec; !ec;) {
        std::size_t n = socket.read_some(buffer(chunk), ec);
        all.append(chunk.data(), n);
    }
    return all;
}

}  // namespace

TEST_CASE("write sends all bytes, however few a step takes", "[compose][write]") {
    rill::io_context ctx;
    memory_stream stream(ctx);
    stream.most = 3;
    CHECK(rill::write(stream, buffer(text)) == text.size());
    CHECK(stream.output == text);
    CHECK(stream.steps == 7);

    error_code ec = rill::error::eof;
    CHECK(rill::write(stream, pieces(), ec) == text.size());
    CHECK_FALSE(ec);
    CHECK(stream.output == text + text);
}

TEST_CASE("write does what its condition says", "[compose][write]") {
    rill::io_context ctx;
    memory_stream stream(ctx);
    stream.most = 4;
    error_code ec;
    CHECK(rill::write(stream, buffer(text), rill::transfer_exactly(6)) == 6);
    CHECK(stream.output == text.substr(0, 6));
    CHECK(rill::write(stream, buffer(text), rill::transfer_at_least(6), ec) == 8);
    CHECK(rill::write(
              stream, buffer(text), [](error_code, std::size_t n) { return n != 0; }, ec) == 4);
    CHECK(rill::write(stream, buffer(text), rill::transfer_exactly(0), ec) == 0);
    CHECK_FALSE(ec);
}

TEST_CASE("write reports an error with the bytes written before", "[compose][write]") {
    rill::io_context ctx;
    memory_stream stream(ctx);
    stream.most = 4;
    stream.capacity = 10;
    stream.at_the_end = rill::error::broken_pipe;
    error_code ec;
    CHECK(rill::write(stream, buffer(text), ec) == 10);
    CHECK(ec == rill::error::broken_pipe);
    CHECK_THROWS_AS(rill::write(stream, buffer(text)), rill::system_error);
    CHECK_THROWS_AS(rill::write(stream, buffer(text), rill::transfer_all()), rill::system_error);
}

TEST_CASE("write of nothing does nothing", "[compose][write]") {
    rill::io_context ctx;
    memory_stream stream(ctx);
    CHECK(rill::write(stream, const_buffer()) == 0);
    CHECK(rill::write(stream, std::vector<const_buffer>()) == 0);
    CHECK(stream.steps == 0);
}

TEST_CASE("async_write sends all bytes, however few a step takes", "[compose][write]") {
    rill::io_context ctx(GENERATE(1, 2));
    memory_stream stream(ctx);
    stream.most = 3;
    outcome done;
    async_write(stream, buffer(text), recorder(done));
    CHECK(done.calls == 0);
    ctx.run();
    CHECK(done.calls == 1);
    CHECK(done.destructions == 1);
    CHECK_FALSE(done.ec);
    CHECK(done.bytes == text.size());
    CHECK(stream.output == text);
    CHECK(stream.steps == 7);
}

TEST_CASE("async_write takes every kind of buffer sequence", "[compose][write]") {
    rill::io_context ctx(1);
    memory_stream stream(ctx);
    stream.most = 7;
    outcome done;
    auto written = [&] {
        ctx.run();
        ctx.restart();
        return std::exchange(stream.output, {}) == text && !done.ec && done.bytes == text.size();
    };
    {
        auto dies_first = pieces();
        async_write(stream, dies_first, recorder(done));
    }
    CHECK(written());
    {
        auto all = pieces();
        std::list<const_buffer> list(all.begin(), all.end());
        async_write(stream, list, recorder(done));
    }
    CHECK(written());
    {
        std::array<const_buffer, 2> two = {const_buffer(text.data(), 5), const_buffer(text.data() + 5, 14)};
        async_write(stream, two, recorder(done));
    }
    CHECK(written());
    {
        const_buffer two[] = {const_buffer(text.data(), 5), const_buffer(text.data() + 5, 14)};
        async_write(stream, two, recorder(done));
    }
    CHECK(written());
    {
        const_buffer two[] = {const_buffer(text.data(), 5), const_buffer(text.data() + 5, 14)};
        auto later = async_write(stream, two);
        two[0] = two[1] = const_buffer();
        std::move(later)(recorder(done));
    }
    CHECK(written());
    {
        std::string mutable_text = text;
        async_write(stream, buffer(mutable_text), recorder(done));
        CHECK(written());
    }
    CHECK(done.calls == 6);
}

TEST_CASE("async_write does what its condition says", "[compose][write]") {
    rill::io_context ctx(1);
    memory_stream stream(ctx);
    stream.most = 4;
    outcome done;
    auto bytes = [&] {
        ctx.run();
        ctx.restart();
        CHECK_FALSE(done.ec);
        return done.bytes;
    };
    async_write(stream, buffer(text), rill::transfer_exactly(6), recorder(done));
    CHECK(bytes() == 6);
    async_write(stream, buffer(text), rill::transfer_at_least(6), recorder(done));
    CHECK(bytes() == 8);
    async_write(
        stream, buffer(text), [](error_code, std::size_t n) { return n != 0; }, recorder(done));
    CHECK(bytes() == 4);
    auto move_only = [limit = std::make_unique<std::size_t>(5)](error_code, std::size_t n) { return n >= *limit; };
    async_write(stream, buffer(text), std::move(move_only), recorder(done));
    CHECK(bytes() == 8);
    auto deferred = async_write(stream, buffer(text), rill::transfer_exactly(1));
    std::move(deferred)(recorder(done));
    CHECK(bytes() == 1);
    CHECK(done.calls == 5);
}

TEST_CASE("async_write of nothing completes, but not from inside", "[compose][write]") {
    rill::io_context ctx(GENERATE(1, 2));
    memory_stream memory(ctx);
    socket_pair sockets(ctx);
    outcome empty, none, satisfied, on_socket;
    async_write(memory, const_buffer(), recorder(empty));
    async_write(memory, std::vector<const_buffer>(), recorder(none));
    async_write(sockets.first, buffer(text), rill::transfer_exactly(0), recorder(satisfied));
    async_write(sockets.first, const_buffer(), recorder(on_socket));
    for (auto* o : {&empty, &none, &satisfied, &on_socket})
        CHECK(o->calls == 0);
    ctx.run();
    for (auto* o : {&empty, &none, &satisfied, &on_socket}) {
        CHECK(o->calls == 1);
        CHECK_FALSE(o->ec);
        CHECK(o->bytes == 0);
    }
    CHECK(drain(sockets.second).empty());
}

TEST_CASE("async_write reports an error with the bytes written before", "[compose][write]") {
    rill::io_context ctx(1);
    memory_stream stream(ctx);
    stream.most = 4;
    stream.capacity = 10;
    stream.at_the_end = rill::error::broken_pipe;
    outcome done;
    async_write(stream, buffer(text), recorder(done));
    ctx.run();
    CHECK(done.calls == 1);
    CHECK(done.ec == rill::error::broken_pipe);
    CHECK(done.bytes == 10);
}

TEST_CASE("async_write takes other tokens", "[compose][write]") {
    rill::io_context ctx(1);
    memory_stream stream(ctx);
    async_write(stream, buffer(text), rill::detached);
    ctx.run();
    CHECK(stream.output == text);
    ctx.restart();

    outcome done;
    auto later = async_write(stream, buffer(text), rill::deferred);
    CHECK(ctx.poll() == 0);
    ctx.restart();
    std::move(later)(recorder(done));
    ctx.run();
    CHECK(done.bytes == text.size());
}

TEST_CASE("async_write moves a megabyte to a slow reader", "[compose][write]") {
    rill::io_context ctx(GENERATE(1, 2));
    socket_pair sockets(ctx);
    const std::string sent = pattern(1024 * 1024);
    outcome done;
    async_write(sockets.first, buffer(sent), recorder(done));

    std::string received;
    std::vector<char> chunk(1000);
    std::function<void(error_code, std::size_t)> next = [&](error_code ec, std::size_t n) {
        received.append(chunk.data(), n);
        if (!ec && received.size() < sent.size())
            sockets.second.async_read_some(buffer(chunk), std::ref(next));
    };
    sockets.second.async_read_some(buffer(chunk), std::ref(next));
    ctx.run();
    CHECK(done.calls == 1);
    CHECK_FALSE(done.ec);
    CHECK(done.bytes == sent.size());
    CHECK(received == sent);
}

TEST_CASE("a cancelled async_write reports exactly the bytes that the peer gets", "[compose][write]") {
    rill::io_context ctx(GENERATE(1, 2));
    auto type = GENERATE(cancellation_type::terminal, cancellation_type::partial, cancellation_type::all);
    socket_pair sockets(ctx);
    const std::string sent = pattern(4 * 1024 * 1024);
    rill::cancellation_signal signal;
    outcome done;
    async_write(sockets.first, buffer(sent), cancelled_by(signal, recorder(done)));
    ctx.poll();
    REQUIRE(done.calls == 0);
    signal.emit(type);
    ctx.run();
    REQUIRE(done.calls == 1);
    CHECK(done.ec == rill::error::operation_aborted);
    CHECK(done.bytes > 0);
    CHECK(done.bytes < sent.size());
    CHECK_FALSE(signal.slot().has_handler());
    CHECK(drain(sockets.second) == sent.substr(0, done.bytes));

    // The stream goes on where it was.
    ctx.restart();
    outcome rest;
    async_write(sockets.first, buffer(sent) + done.bytes, rill::transfer_exactly(1000), recorder(rest));
    ctx.run();
    CHECK(rest.bytes == 1000);
    CHECK(drain(sockets.second) == sent.substr(done.bytes, 1000));
}

TEST_CASE("async_write ignores a request for total cancellation", "[compose][write]") {
    rill::io_context ctx(1);
    memory_stream stream(ctx);
    stream.hold = true;
    rill::cancellation_signal signal;
    outcome done;
    async_write(stream, buffer(text), cancelled_by(signal, recorder(done)));
    signal.emit(cancellation_type::total);
    ctx.poll();
    CHECK(stream.cancellations == 0);
    CHECK(done.calls == 0);
    stream.let_go();
    ctx.restart();
    ctx.run();
    CHECK_FALSE(done.ec);
    CHECK(done.bytes == text.size());
}

TEST_CASE("closing the socket ends an async_write", "[compose][write]") {
    rill::io_context ctx(GENERATE(1, 2));
    socket_pair sockets(ctx);
    const std::string sent = pattern(4 * 1024 * 1024);
    outcome done;
    async_write(sockets.first, buffer(sent), recorder(done));
    ctx.poll();
    sockets.first.close();
    ctx.run();
    CHECK(done.ec == rill::error::operation_aborted);
    CHECK(drain(sockets.second) == sent.substr(0, done.bytes));
}

TEST_CASE("an operation of steps takes its memory from the handler's allocator", "[compose][write]") {
    rill::io_context ctx(GENERATE(1, 2));
    socket_pair sockets(ctx);
    allocations count;
    outcome done;
    int live_at_call = -1;
    done.then = [&] { live_at_call = count.live; };
    async_write(sockets.first, buffer(text), allocated_by(count, recorder(done)));
    CHECK(count.made == 2);  // the operation and its step
    ctx.run();
    CHECK(done.calls == 1);
    CHECK(count.made == 2);
    CHECK(live_at_call == 0);
    CHECK(count.live == 0);

    // Each further step takes one block, which is free again before the next.
    ctx.restart();
    memory_stream stream(ctx);
    stream.most = 1;
    count = allocations();
    async_write(stream, buffer(text), allocated_by(count, recorder(done)));
    ctx.run();
    CHECK(done.calls == 2);
    CHECK(live_at_call == 0);
    CHECK(count.live == 0);
}

TEST_CASE("the handler may start the next operation in its own operation's memory", "[compose][write]") {
    rill::io_context ctx(1);
    socket_pair sockets(ctx);
    outcome done;
    int left = 100;
    done.then = [&] {
        if (--left > 0)
            async_write(sockets.first, buffer(text), recorder(done));
    };
    async_write(sockets.first, buffer(text), recorder(done));
    ctx.run();
    CHECK(done.calls == 100);
    CHECK(drain(sockets.second).size() == 100 * text.size());
}

TEST_CASE("an operation of steps dies with its context, and its handler is not called", "[compose][write]") {
    int hint = GENERATE(1, 2);
    bool cancellable = GENERATE(false, true);
    rill::cancellation_signal signal;
    outcome waiting, queued, elsewhere;
    const std::string sent = pattern(4 * 1024 * 1024);
    rill::io_context handlers(hint);
    {
        rill::io_context ctx(hint);
        socket_pair sockets(ctx), others(ctx), thirds(ctx);
        if (cancellable)
            async_write(sockets.first, buffer(sent), cancelled_by(signal, recorder(waiting)));
        else
            async_write(sockets.first, buffer(sent), recorder(waiting));
        ctx.poll();
        async_write(others.first, buffer(text), recorder(queued));
        async_write(thirds.first, buffer(sent), run_on(handlers.get_executor(), recorder(elsewhere)));
        CHECK(waiting.destructions == 0);
    }
    handlers.run();
    for (auto* o : {&waiting, &queued, &elsewhere}) {
        CHECK(o->calls == 0);
        CHECK(o->destructions == 1);
    }
    CHECK_FALSE(signal.slot().has_handler());
    signal.emit(cancellation_type::terminal);
}

TEST_CASE("a condition that throws ends the operation without calling its handler", "[compose][write]") {
    rill::io_context ctx(1);
    memory_stream stream(ctx);
    stream.most = 3;
    rill::cancellation_signal signal;
    outcome done;
    int throw_at = GENERATE(0, 1, 2);
    auto condition = [n = 0, throw_at](error_code, std::size_t) mutable -> std::size_t {
        if (n++ == throw_at)
            throw 42;
        return 100;
    };
    auto whole = [&] {
        async_write(stream, buffer(text), condition, cancelled_by(signal, recorder(done)));
        ctx.run();
    };
    CHECK_THROWS_AS(whole(), int);
    CHECK(done.calls == 0);
    CHECK(done.destructions == 1);
    CHECK_FALSE(signal.slot().has_handler());
}

TEST_CASE("a step that cannot be started ends the operation without calling its handler", "[compose][write]") {
    rill::io_context ctx(1);
    memory_stream stream(ctx);
    stream.most = 3;
    rill::cancellation_signal signal;
    outcome done;
    int throw_at = GENERATE(0, 1, 2);
    stream.at_start = [&] {
        if (throw_at-- == 0)
            throw 42;
    };
    auto whole = [&] {
        async_write(stream, buffer(text), cancelled_by(signal, recorder(done)));
        ctx.run();
    };
    CHECK_THROWS_AS(whole(), int);
    CHECK(done.calls == 0);
    CHECK(done.destructions == 1);
    CHECK_FALSE(signal.slot().has_handler());
}

TEST_CASE("a handler runs on its own executor, and the stream's context stays at work", "[compose][write]") {
    int hint = GENERATE(1, 2);
    rill::io_context io(hint), handlers(hint);
    socket_pair sockets(io);
    const std::string sent = pattern(1024 * 1024);
    outcome done;
    std::thread::id ran_on;
    done.then = [&] { ran_on = std::this_thread::get_id(); };
    std::string received;
    std::thread reader([&] {
        std::vector<char> chunk(65536);
        error_code ec;
        while (received.size() < sent.size() && !ec) {
            std::size_t n = sockets.second.read_some(buffer(chunk), ec);
            received.append(chunk.data(), n);
        }
    });
    // Nothing else keeps `io` at work.
    async_write(sockets.first, buffer(sent), run_on(handlers.get_executor(), recorder(done)));
    std::thread runs_io([&] { io.run(); });
    handlers.run();
    runs_io.join();
    reader.join();
    CHECK(done.calls == 1);
    CHECK_FALSE(done.ec);
    CHECK(done.bytes == sent.size());
    CHECK(ran_on == std::this_thread::get_id());
    CHECK(received == sent);
}
