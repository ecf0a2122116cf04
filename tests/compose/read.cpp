// SPDX-License-Identifier: BSL-1.0
#include <rill/compose/read.hpp>

#include <rill/compose/write.hpp>
#include <rill/context/io_context.hpp>
#include <rill/context/system_executor.hpp>
#include <rill/token/append.hpp>
#include <rill/token/bind_immediate_executor.hpp>
#include <rill/token/post.hpp>

#include <support/catch.hpp>
#include <support/soon.hpp>

#include <compose/streams.hpp>

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace compose_test;
using rill::async_read;
using rill::buffer;
using rill::mutable_buffer;

namespace {

static_assert(rill::sync_read_stream<local_socket> && rill::async_read_stream<local_socket>);
static_assert(rill::sync_read_stream<memory_stream> && rill::async_read_stream<memory_stream>);
static_assert(!rill::async_read_stream<int> && !rill::sync_read_stream<std::string>);

const std::string text = "the quick brown fox";

}  // namespace

TEST_CASE("read fills its buffers, however few bytes a step gives", "[compose][read]") {
    rill::io_context ctx;
    memory_stream stream(ctx, text + text);
    stream.most = 3;
    std::string got(text.size(), '\0');
    CHECK(rill::read(stream, buffer(got)) == text.size());
    CHECK(got == text);
    CHECK(stream.steps == 7);

    char a[4], b[10];
    std::array<mutable_buffer, 3> parts = {buffer(a), mutable_buffer(), buffer(b)};
    error_code ec = rill::error::not_found;
    CHECK(rill::read(stream, parts, ec) == 14);
    CHECK_FALSE(ec);
    CHECK(std::string(a, 4) + std::string(b, 10) == text.substr(0, 14));
}

TEST_CASE("read does what its condition says", "[compose][read]") {
    rill::io_context ctx;
    memory_stream stream(ctx, text);
    stream.most = 4;
    std::string got(100, '\0');
    error_code ec;
    CHECK(rill::read(stream, buffer(got), rill::transfer_exactly(6)) == 6);
    CHECK(rill::read(stream, buffer(got), rill::transfer_at_least(6), ec) == 8);
    CHECK(rill::read(
              stream, buffer(got), [](error_code, std::size_t n) { return n != 0; }, ec) == 4);
    CHECK_FALSE(ec);
    CHECK(stream.input == text.substr(18));
}

TEST_CASE("read reports the end with the bytes before it", "[compose][read]") {
    rill::io_context ctx;
    memory_stream stream(ctx, text);
    std::string got(100, '\0');
    error_code ec;
    CHECK(rill::read(stream, buffer(got), ec) == text.size());
    CHECK(ec == rill::error::eof);
    CHECK_THROWS_AS(rill::read(stream, buffer(got)), rill::system_error);
    CHECK_THROWS_AS(rill::read(stream, buffer(got), rill::transfer_at_least(1)), rill::system_error);
    CHECK(rill::read(stream, mutable_buffer(), ec) == 0);
    CHECK_FALSE(ec);
}

TEST_CASE("async_read fills its buffers, however few bytes a step gives", "[compose][read]") {
    rill::io_context ctx(GENERATE(1, 2));
    memory_stream stream(ctx, text + text);
    stream.most = 3;
    outcome done;
    std::string got(text.size(), '\0');
    async_read(stream, buffer(got), recorder(done));
    CHECK(done.calls == 0);
    ctx.run();
    CHECK(done.calls == 1);
    CHECK(done.destructions == 1);
    CHECK_FALSE(done.ec);
    CHECK(done.bytes == text.size());
    CHECK(got == text);
    CHECK(stream.steps == 7);

    ctx.restart();
    char a[4], b[10];
    mutable_buffer parts[] = {buffer(a), mutable_buffer(), buffer(b)};
    async_read(stream, parts, recorder(done));
    ctx.run();
    CHECK(done.bytes == 14);
    CHECK(std::string(a, 4) + std::string(b, 10) == text.substr(0, 14));
}

TEST_CASE("async_read does what its condition says", "[compose][read]") {
    rill::io_context ctx(1);
    memory_stream stream(ctx, text);
    stream.most = 4;
    std::string got(100, '\0');
    outcome done;
    auto bytes = [&] {
        ctx.run();
        ctx.restart();
        CHECK_FALSE(done.ec);
        return done.bytes;
    };
    async_read(stream, buffer(got), rill::transfer_exactly(6), recorder(done));
    CHECK(bytes() == 6);
    async_read(stream, buffer(got), rill::transfer_at_least(6), recorder(done));
    CHECK(bytes() == 8);
    async_read(
        stream, buffer(got), [](error_code, std::size_t n) { return n != 0; }, recorder(done));
    CHECK(bytes() == 4);
    auto deferred = async_read(stream, buffer(got), rill::transfer_exactly(1));
    std::move(deferred)(recorder(done));
    CHECK(bytes() == 1);
    CHECK(stream.input.empty());
}

TEST_CASE("a condition may go on after an error", "[compose][read]") {
    rill::io_context ctx(1);
    memory_stream stream(ctx, "abc");
    std::string got(10, '\0');
    outcome done;
    int ends = 0;
    auto condition = [&](const error_code& ec, std::size_t) -> std::size_t {
        if (!ec)
            return 100;
        stream.input = "def";
        return ++ends == 2 ? 0 : 100;
    };
    async_read(stream, buffer(got), condition, recorder(done));
    ctx.run();
    CHECK(done.ec == rill::error::eof);
    CHECK(done.bytes == 6);
    CHECK(got.substr(0, 6) == "abcdef");
}

TEST_CASE("async_read reports the end with the bytes before it", "[compose][read]") {
    rill::io_context ctx(GENERATE(1, 2));
    socket_pair sockets(ctx);
    rill::write(sockets.second, buffer(text));
    sockets.second.close();
    outcome done, again;
    std::string got(100, '\0');
    async_read(sockets.first, buffer(got), recorder(done));
    ctx.run();
    CHECK(done.ec == rill::error::eof);
    CHECK(done.bytes == text.size());
    CHECK(got.substr(0, text.size()) == text);
    ctx.restart();
    async_read(sockets.first, buffer(got), recorder(again));
    ctx.run();
    CHECK(again.ec == rill::error::eof);
    CHECK(again.bytes == 0);
}

TEST_CASE("async_read of nothing completes, but not from inside", "[compose][read]") {
    rill::io_context ctx(GENERATE(1, 2));
    socket_pair sockets(ctx);
    outcome empty, none, satisfied;
    char memory[10];
    async_read(sockets.first, mutable_buffer(), recorder(empty));
    async_read(sockets.first, std::vector<mutable_buffer>(), recorder(none));
    async_read(sockets.first, buffer(memory), rill::transfer_exactly(0), recorder(satisfied));
    for (auto* o : {&empty, &none, &satisfied})
        CHECK(o->calls == 0);
    ctx.run();
    for (auto* o : {&empty, &none, &satisfied}) {
        CHECK(o->calls == 1);
        CHECK_FALSE(o->ec);
        CHECK(o->bytes == 0);
    }
}

TEST_CASE("async_read collects a megabyte from a slow writer", "[compose][read]") {
    rill::io_context ctx(GENERATE(1, 2));
    socket_pair sockets(ctx);
    const std::string sent = pattern(1024 * 1024);
    std::string got(sent.size(), '\0');
    outcome done, written;
    async_read(sockets.first, buffer(got), recorder(done));
    std::size_t at = 0;
    written.then = [&] {
        at += written.bytes;
        if (at < sent.size())
            rill::async_write(sockets.second, buffer(sent) + at, rill::transfer_exactly(1000), recorder(written));
    };
    rill::async_write(sockets.second, buffer(sent), rill::transfer_exactly(1000), recorder(written));
    ctx.run();
    CHECK_FALSE(done.ec);
    CHECK(done.bytes == sent.size());
    CHECK(got == sent);
}

TEST_CASE("a cancelled async_read keeps what it has, and the next one goes on there", "[compose][read]") {
    rill::io_context ctx(GENERATE(1, 2));
    auto type = GENERATE(cancellation_type::terminal, cancellation_type::partial, cancellation_type::all);
    socket_pair sockets(ctx);
    rill::cancellation_signal signal;
    outcome done;
    std::string got(100, '\0');
    async_read(sockets.first, buffer(got), cancelled_by(signal, recorder(done)));
    rill::write(sockets.second, buffer("abc", 3));
    ctx.poll();
    rill::write(sockets.second, buffer("de", 2));
    ctx.poll();
    REQUIRE(done.calls == 0);
    signal.emit(type);
    CHECK(done.calls == 0);
    ctx.poll();  // a solo loop hears of it now; data that came first might have been read already
    rill::write(sockets.second, buffer("fgh", 3));
    ctx.restart();
    ctx.run();
    REQUIRE(done.calls == 1);
    CHECK(done.ec == rill::error::operation_aborted);
    CHECK(done.bytes == 5);
    CHECK(got.substr(0, 5) == "abcde");
    CHECK_FALSE(signal.slot().has_handler());

    ctx.restart();
    outcome rest;
    async_read(sockets.first, buffer(got), rill::transfer_exactly(3), cancelled_by(signal, recorder(rest)));
    ctx.run();
    CHECK_FALSE(rest.ec);
    CHECK(rest.bytes == 3);
    CHECK(got.substr(0, 3) == "fgh");
}

TEST_CASE("async_read ignores a request for total cancellation", "[compose][read]") {
    rill::io_context ctx(GENERATE(1, 2));
    socket_pair sockets(ctx);
    rill::cancellation_signal signal;
    outcome done;
    std::string got(5, '\0');
    async_read(sockets.first, buffer(got), cancelled_by(signal, recorder(done)));
    signal.emit(cancellation_type::total);
    rill::write(sockets.second, buffer("abc", 3));
    ctx.poll();
    signal.emit(cancellation_type::total);
    CHECK(done.calls == 0);
    rill::write(sockets.second, buffer("de", 2));
    ctx.run();
    CHECK_FALSE(done.ec);
    CHECK(done.bytes == 5);
}

TEST_CASE("a step that wins against its cancellation keeps its bytes, and is the last", "[compose][read]") {
    rill::io_context ctx(1);
    memory_stream stream(ctx, text);
    stream.most = 4;
    stream.hold = true;
    stream.cancellable = false;
    rill::cancellation_signal signal;
    outcome done;
    std::string got(10, '\0');
    async_read(stream, buffer(got), cancelled_by(signal, recorder(done)));
    stream.let_go();
    ctx.poll();
    ctx.restart();
    REQUIRE(stream.holds_one());
    signal.emit(cancellation_type::partial);
    stream.let_go();
    ctx.run();
    CHECK(done.calls == 1);
    CHECK(done.ec == rill::error::operation_aborted);
    CHECK(done.bytes == 8);
    CHECK(got.substr(0, 8) == text.substr(0, 8));
    CHECK(stream.steps == 2);
    CHECK(stream.input == text.substr(8));
}

TEST_CASE("a read that was complete when it was cancelled has succeeded", "[compose][read]") {
    rill::io_context ctx(1);
    memory_stream stream(ctx, text);
    stream.hold = true;
    stream.cancellable = false;
    rill::cancellation_signal signal;
    outcome done;
    std::string got(10, '\0');
    async_read(stream, buffer(got), cancelled_by(signal, recorder(done)));
    signal.emit(cancellation_type::terminal);
    stream.let_go();
    ctx.run();
    CHECK_FALSE(done.ec);
    CHECK(done.bytes == 10);
}

TEST_CASE("a cancellation between the start of a step and its listening is not lost", "[compose][read]") {
    rill::io_context ctx(1);
    memory_stream stream(ctx, text);
    stream.most = 4;
    rill::cancellation_signal signal;
    outcome done;
    std::string got(10, '\0');
    int emit_at = GENERATE(0, 1, 2);
    stream.at_start = [&] {
        if (emit_at-- == 0) {
            stream.hold = true;
            signal.emit(cancellation_type::terminal);
        }
    };
    const std::size_t before = static_cast<std::size_t>(emit_at) * 4;
    async_read(stream, buffer(got), cancelled_by(signal, recorder(done)));
    ctx.run();
    CHECK(done.calls == 1);
    CHECK(done.ec == rill::error::operation_aborted);
    CHECK(done.bytes == before);
    CHECK(stream.cancellations == 1);
}

TEST_CASE("a step may be done on another thread while it is still being started", "[compose][read]") {
    rill::io_context ctx(2);
    memory_stream stream(ctx, text);
    rill::cancellation_signal signal;
    outcome done;
    std::string got(10, '\0');
    auto work = rill::require(ctx.get_executor(), rill::execution::outstanding_work.tracked);
    std::thread runner([&] { ctx.run(); });
    stream.after_start = [&] {
        while (stream.deliveries == 0)
            std::this_thread::yield();
    };
    async_read(stream, buffer(got), cancelled_by(signal, recorder(done)));
    { auto gone = std::move(work); }
    runner.join();
    CHECK(done.calls == 1);
    CHECK(done.bytes == 10);
}

TEST_CASE("async_read without a connected slot is not cancelled", "[compose][read]") {
    rill::io_context ctx(1);
    memory_stream stream(ctx, text);
    outcome done;
    std::string got(10, '\0');
    async_read(stream, buffer(got), with_slot<recorder>{recorder(done), rill::cancellation_slot()});
    ctx.run();
    CHECK(done.bytes == 10);
}

TEST_CASE("the slot may be used again in the handler", "[compose][read]") {
    rill::io_context ctx(GENERATE(1, 2));
    socket_pair sockets(ctx);
    rill::cancellation_signal signal;
    outcome first, second;
    std::string got(10, '\0');
    first.then = [&] {
        async_read(sockets.first, buffer(got), cancelled_by(signal, recorder(second)));
        signal.emit(cancellation_type::terminal);
    };
    async_read(sockets.first, buffer(got), cancelled_by(signal, recorder(first)));
    signal.emit(cancellation_type::terminal);
    ctx.run();
    CHECK(first.ec == rill::error::operation_aborted);
    CHECK(second.ec == rill::error::operation_aborted);
}

TEST_CASE("the signal may die first", "[compose][read]") {
    rill::io_context ctx(GENERATE(1, 2));
    socket_pair sockets(ctx);
    auto signal = std::make_unique<rill::cancellation_signal>();
    outcome done;
    std::string got(3, '\0');
    async_read(sockets.first, buffer(got), cancelled_by(*signal, recorder(done)));
    ctx.poll();
    signal.reset();
    rill::write(sockets.second, buffer("abc", 3));
    ctx.run();
    CHECK_FALSE(done.ec);
    CHECK(done.bytes == 3);
}

TEST_CASE("a cancelled read loses no byte, whoever cancels it when", "[compose][read][stress]") {
    const int hint = GENERATE(1, 2);
    constexpr int rounds = 300;
    rill::io_context ctx(hint);
    socket_pair sockets(ctx);
    const std::string sent = pattern(rounds * 20 * 16);
    std::string received;
    std::size_t written = 0;
    int wrong = 0;
    for (int round = 0; round < rounds; ++round) {
        rill::cancellation_signal signal;
        outcome done;
        std::string got(4096, '\0');
        async_read(sockets.first, buffer(got), cancelled_by(signal, recorder(done)));
        std::vector<std::thread> threads;
        for (int i = 0; i < hint; ++i)
            threads.emplace_back([&] { ctx.run(); });
        threads.emplace_back([&, round] {
            for (int i = 0; i < round % 7; ++i)
                std::this_thread::yield();
            signal.emit(round % 2 == 0 ? cancellation_type::terminal : cancellation_type::partial);
        });
        for (int i = 0; i < 20; ++i)
            written += sockets.second.write_some(buffer(sent.data() + written, 16));
        for (auto& thread : threads)
            thread.join();
        ctx.restart();
        wrong += done.calls != 1 || done.destructions != 1 || done.ec != rill::error::operation_aborted;
        received.append(got, 0, done.bytes);
        soon([&] {  // what was written may be on its way
            std::string rest(sockets.first.available(), '\0');
            rill::read(sockets.first, buffer(rest));
            received += rest;
            return received.size() >= written;
        });
        if (received.size() != written)
            break;
    }
    CHECK(wrong == 0);
    CHECK(received.size() == written);
    CHECK((received == sent.substr(0, written)));
}

TEST_CASE("a handler with its own executor can be cancelled from a third thread", "[compose][read][stress]") {
    const int hint = GENERATE(1, 2);
    int wrong = 0;
    for (int round = 0; round < 100; ++round) {
        rill::io_context io(hint), handlers(hint);
        socket_pair sockets(io);
        rill::cancellation_signal signal;
        outcome done;
        std::string got(4096, '\0');
        async_read(sockets.first, buffer(got), cancelled_by(signal, run_on(handlers.get_executor(), recorder(done))));
        std::thread runs_io([&] { io.run(); });
        std::thread runs_handlers([&] { handlers.run(); });
        std::size_t written = 0;
        for (int i = 0; i < round % 20; ++i)
            written += rill::write(sockets.second, buffer("abcd", 4));
        signal.emit(cancellation_type::terminal);
        runs_io.join();
        runs_handlers.join();
        wrong += done.calls != 1 || done.ec != rill::error::operation_aborted || done.bytes > written;
    }
    CHECK(wrong == 0);
}

TEST_CASE("a read that dies with its handler's context lets its own context end", "[compose][read]") {
    int hint = GENERATE(1, 2);
    rill::io_context io(hint);
    socket_pair sockets(io);
    outcome done;
    std::string got(10, '\0');
    {
        rill::io_context handlers(hint);
        async_read(sockets.first, buffer(got), run_on(handlers.get_executor(), recorder(done)));
        rill::write(sockets.second, buffer("abc", 3));
        io.run_one();  // the step's outcome is now with `handlers`
    }
    CHECK(done.calls == 0);
    CHECK(done.destructions == 1);
    io.run();
}

namespace {

/// A user's own characteristic of handlers.
template <class T, class Candidate>
struct associated_name : rill::associator<associated_name, T, Candidate> {};
struct named_handler {
    std::size_t& got;
    void operator()(error_code, std::size_t n) { got = n; }
};
template <class Candidate>
struct associated_name<named_handler, Candidate> {
    using type = std::string;
    static type get(const named_handler&) { return "reader"; }
    static type get(const named_handler&, const Candidate&) { return "reader"; }
};

/// A stream that asks the handler for it.
struct asking_stream {
    using executor_type = rill::io_context::executor_type;
    rill::io_context& ctx;
    std::vector<std::string>& names;

    executor_type get_executor() const noexcept { return ctx.get_executor(); }
    template <class Buffers, class Token>
    auto async_read_some(const Buffers&, Token&& token) {
        return rill::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler) {
                using handler_type = decltype(handler);
                if constexpr (requires { typename associated_name<handler_type, int>::type; })
                    names.push_back(associated_name<handler_type, int>::get(handler));
                STATIC_REQUIRE(!rill::engine::has_associated_immediate_executor<handler_type>);
                rill::post(ctx, rill::append(std::move(handler), error_code(), std::size_t(1)));
            },
            token);
    }
};

}  // namespace

TEST_CASE("the steps of async_read have the handler's own characteristics, but no immediate executor",
          "[compose][read]") {
    rill::io_context ctx(1);
    std::vector<std::string> names;
    asking_stream stream{ctx, names};
    char data[3];
    std::size_t got = 0;
    rill::async_read(stream, rill::buffer(data),
                     rill::bind_immediate_executor(rill::system_executor(), named_handler{got}));
    ctx.run();
    CHECK(got == 3);
    CHECK(names == std::vector<std::string>(3, "reader"));
}
