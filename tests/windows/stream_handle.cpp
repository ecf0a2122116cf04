// SPDX-License-Identifier: BSL-1.0
#include <rill/windows/stream_handle.hpp>

#include <rill/compose/read.hpp>
#include <rill/compose/write.hpp>
#include <rill/context/io_context.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/make_work_guard.hpp>
#include <rill/token/use_future.hpp>

#include <support/catch.hpp>
#include <support/soon.hpp>
#include <support/windows/files.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

using namespace std::chrono_literals;
using rill::buffer;
using rill::error_code;
using rill::windows::stream_handle;
namespace error = rill::error;

namespace {

struct pair_of_ends {
    explicit pair_of_ends(rill::io_context& io, ::DWORD type = bare_pipe::bytes, ::DWORD buffer_size = 4096)
        : first(io), second(io) {
        bare_pipe pipe(type, buffer_size);
        pipe.connect();
        REQUIRE(pipe.is_open());
        first.assign(pipe.server);
        second.assign(pipe.client);
    }
    stream_handle first, second;
};

int any_hint() { return GENERATE(1, 2); }

rill::awaitable<void> echo(stream_handle& end) {
    char data[100];
    for (;;) {
        auto [ec, n] = co_await end.async_read_some(buffer(data), rill::as_tuple(rill::use_awaitable));
        if (ec)
            break;
        co_await rill::async_write(end, buffer(data, n), rill::use_awaitable);
    }
}

}  // namespace

static_assert(std::is_same_v<stream_handle, rill::windows::basic_stream_handle<>>);
static_assert(std::is_same_v<stream_handle::executor_type, rill::any_io_executor>);
static_assert(std::is_same_v<stream_handle::native_handle_type, HANDLE>);
static_assert(std::is_same_v<stream_handle::rebind_executor<rill::io_context::executor_type>::other,
                             rill::windows::basic_stream_handle<rill::io_context::executor_type>>);
static_assert(!std::is_copy_constructible_v<stream_handle> && std::is_nothrow_move_constructible_v<stream_handle>);
static_assert(!std::is_constructible_v<stream_handle, int>);

TEST_CASE("a coroutine echoes what comes through a named pipe", "[windows][stream_handle]") {
    rill::io_context io(any_hint());
    pair_of_ends pipe(io);
    rill::co_spawn(io, echo(pipe.first), rill::detached);
    int right = 0;
    const auto talk = [&]() -> rill::awaitable<void> {
        for (int i = 0; i < 100; ++i) {
            const std::string sent = "this is message " + std::to_string(i);
            std::string got(sent.size(), 0);
            co_await rill::async_write(pipe.second, buffer(sent), rill::use_awaitable);
            co_await rill::async_read(pipe.second, buffer(got), rill::use_awaitable);
            right += got == sent;
        }
        pipe.second.close();
    };
    rill::co_spawn(io, talk(), rill::detached);
    io.run_for(60s);
    CHECK(right == 100);
}

TEST_CASE("a message that is larger than the pipe arrives whole", "[windows][stream_handle]") {
    rill::io_context io(any_hint());
    pair_of_ends pipe(io, bare_pipe::bytes, 512);
    std::string sent, got(300'000, 0);
    for (std::size_t i = 0; i < got.size(); ++i)
        sent += static_cast<char>('a' + i % 23);
    error_code write_error = error::fault, read_error = error::fault;
    rill::async_write(pipe.first, buffer(sent), [&](error_code ec, std::size_t) { write_error = ec; });
    rill::async_read(pipe.second, buffer(got), [&](error_code ec, std::size_t) { read_error = ec; });
    io.run_for(60s);
    CHECK(!write_error);
    CHECK(!read_error);
    CHECK(got == sent);
}

TEST_CASE("reads of a pipe take its bytes in the order in which they were started", "[windows][stream_handle]") {
    rill::io_context io(any_hint());
    pair_of_ends pipe(io);
    std::string got(20, 0);
    for (char& c : got)
        pipe.first.async_read_some(buffer(&c, 1), [](error_code, std::size_t) {});
    for (char c = 'a'; c != 'u'; ++c)
        pipe.second.write_some(buffer(&c, 1));
    io.run_for(60s);
    CHECK(got == "abcdefghijklmnopqrst");
}

TEST_CASE("the end of a pipe is a broken pipe for both directions", "[windows][stream_handle]") {
    rill::io_context io(any_hint());
    pair_of_ends pipe(io);
    char data[8];
    error_code read_error, later_read_error, write_error;
    std::size_t bytes = 0;
    pipe.second.write_some(buffer("last", 4));
    pipe.second.close();
    pipe.first.async_read_some(buffer(data), [&](error_code ec, std::size_t n) {
        read_error = ec;
        bytes = n;
        pipe.first.async_read_some(buffer(data), [&](error_code e, std::size_t) { later_read_error = e; });
        pipe.first.async_write_some(buffer(data), [&](error_code e, std::size_t) { write_error = e; });
    });
    io.run_for(60s);
    CHECK(!read_error);
    CHECK(std::string(data, bytes) == "last");
    CHECK(later_read_error == error::broken_pipe);
    CHECK(write_error == error::broken_pipe);
    CHECK_THROWS_AS(pipe.first.read_some(buffer(data)), rill::system_error);
}

TEST_CASE("a message that is longer than its buffer comes in parts", "[windows][stream_handle]") {
    rill::io_context io(any_hint());
    pair_of_ends pipe(io, bare_pipe::messages);
    pipe.second.write_some(buffer("abcdef", 6));
    char data[4];
    error_code first_error, second_error = error::fault;
    std::string got;
    pipe.first.async_read_some(buffer(data), [&](error_code ec, std::size_t n) {
        first_error = ec;
        got.append(data, n);
        pipe.first.async_read_some(buffer(data), [&](error_code e, std::size_t m) {
            second_error = e;
            got.append(data, m);
        });
    });
    io.run_for(60s);
    CHECK(first_error == error::message_size);
    CHECK(!second_error);
    CHECK(got == "abcdef");
}

TEST_CASE("nothing to move is no reason to wait", "[windows][stream_handle]") {
    rill::io_context io(any_hint());
    pair_of_ends pipe(io);
    error_code result = error::fault;
    std::size_t bytes = 1;
    pipe.first.async_read_some(rill::mutable_buffer(), [&](error_code ec, std::size_t n) {
        result = ec;
        bytes = n;
    });
    CHECK(result == error::fault);  // not from inside
    io.run_for(60s);
    CHECK(!result);
    CHECK(bytes == 0);
    CHECK(pipe.first.write_some(rill::const_buffer()) == 0);
}

TEST_CASE("a read takes the first buffer that is not empty", "[windows][stream_handle]") {
    rill::io_context io(any_hint());
    pair_of_ends pipe(io);
    pipe.second.write_some(buffer("abc", 3));
    char first[2], second[2];
    const std::vector<rill::mutable_buffer> buffers{rill::mutable_buffer(), buffer(first), buffer(second)};
    std::size_t bytes = 0;
    pipe.first.async_read_some(buffers, [&](error_code, std::size_t n) { bytes = n; });
    io.run_for(60s);
    CHECK(bytes == 2);
    CHECK(std::string(first, 2) == "ab");
}

TEST_CASE("a read of a pipe is cancelled", "[windows][stream_handle]") {
    rill::io_context io(any_hint());
    pair_of_ends pipe(io);
    char data[8];
    error_code result;
    std::size_t bytes = 1;
    rill::cancellation_signal signal;
    const auto handler = [&](error_code ec, std::size_t n) {
        result = ec;
        bytes = n;
    };
    SECTION("by its slot") {
        const auto type = GENERATE(rill::cancellation_type::terminal, rill::cancellation_type::partial,
                                   rill::cancellation_type::total);
        pipe.first.async_read_some(buffer(data), rill::bind_cancellation_slot(signal.slot(), handler));
        io.poll();
        signal.emit(type);
    }
    SECTION("by its object") {
        pipe.first.async_read_some(buffer(data), handler);
        io.poll();
        pipe.first.cancel();
    }
    SECTION("by the end of its handle") {
        pipe.first.async_read_some(buffer(data), handler);
        io.poll();
        const HANDLE native = pipe.first.native_handle();
        pipe.first.close();
        CHECK(!pipe.first.is_open());
        CHECK(!is_open_handle(native));
    }
    SECTION("as its object dies") {
        stream_handle end(std::move(pipe.first));
        end.async_read_some(buffer(data), handler);
        io.poll();
    }
    io.restart();
    io.run_for(60s);
    CHECK(result == error::operation_aborted);
    CHECK(bytes == 0);
}

TEST_CASE("a read that was cancelled loses no byte of the pipe", "[windows][stream_handle]") {
    rill::io_context io(any_hint());
    pair_of_ends pipe(io);
    std::string got;
    char data[1];
    for (int round = 0; round < 500; ++round) {
        const char c = static_cast<char>('a' + round % 26);
        bool done = false;
        pipe.first.async_read_some(buffer(data), [&](error_code ec, std::size_t n) {
            done = true;
            if (!ec)
                got.append(data, n);
        });
        std::thread writer([&] { pipe.second.write_some(buffer(&c, 1)); });
        pipe.first.cancel();
        io.restart();
        io.run_for(60s);
        writer.join();
        REQUIRE(done);
        if (got.size() != static_cast<std::size_t>(round) + 1) {
            pipe.first.read_some(buffer(data));
            got += data[0];
        }
        REQUIRE(got.back() == c);
    }
}

TEST_CASE("a pipe is closed while another thread runs its context", "[windows][stream_handle]") {
    rill::io_context io(any_hint());
    auto work = rill::make_work_guard(io);
    std::thread runner([&] { io.run(); });
    std::atomic<int> aborted{0}, others{0};
    constexpr int rounds = 100;
    for (int round = 0; round < rounds; ++round) {
        bare_pipe pipe;
        pipe.connect();
        stream_handle end(io, pipe.server);
        char data[4];
        std::atomic<bool> ended{false};
        end.async_read_some(buffer(data), [&](error_code ec, std::size_t) {
            ++(ec == error::operation_aborted ? aborted : others);
            ended = true;
        });
        end.close();
        // Its other end sees that at once.
        char byte = 0;
        DWORD n = 0;
        OVERLAPPED o{};
        if (WriteFile(pipe.client, &byte, 1, &n, &o) || GetLastError() == ERROR_IO_PENDING)
            ++others;
        CloseHandle(pipe.client);
        if (!soon([&] { return ended.load(); }))
            break;
    }
    work.reset();
    runner.join();
    CHECK(aborted == rounds);
    CHECK(others == 0);
}

TEST_CASE("a pipe that was released still works, and comes back", "[windows][stream_handle]") {
    rill::io_context io(any_hint());
    pair_of_ends pipe(io);
    char data[1];
    error_code result;
    pipe.first.async_read_some(buffer(data), [&](error_code ec, std::size_t) { result = ec; });
    io.poll();
    const HANDLE native = pipe.first.release();
    CHECK(!pipe.first.is_open());
    CHECK(is_open_handle(native));
    io.restart();
    io.run_for(60s);
    CHECK(result == error::operation_aborted);
    pipe.first.assign(native);
    pipe.second.write_some(buffer("x", 1));
    CHECK(pipe.first.read_some(buffer(data)) == 1);
}

TEST_CASE("a handle object says what is wrong with a handle", "[windows][stream_handle]") {
    rill::io_context io(any_hint());
    stream_handle end(io);
    error_code ec;
    char data[1];
    end.assign(INVALID_HANDLE_VALUE, ec);
    CHECK(ec == error::bad_descriptor);
    end.assign(nullptr, ec);
    CHECK(ec == error::bad_descriptor);
    CHECK(end.release(ec) == INVALID_HANDLE_VALUE);
    CHECK(ec == error::bad_descriptor);
    end.cancel(ec);
    CHECK(ec == error::bad_descriptor);
    end.read_some(buffer(data), ec);
    CHECK(ec == error::bad_descriptor);
    end.close(ec);
    CHECK(!ec);
    CHECK_THROWS_AS(end.cancel(), rill::system_error);
    end.async_read_some(buffer(data), [&](error_code e, std::size_t) { ec = e; });
    io.run_for(60s);
    CHECK(ec == error::bad_descriptor);

    const HANDLE without_overlapped = open_temporary_file(0);
    end.assign(without_overlapped, ec);
    CHECK(ec == error::invalid_argument);
    CHECK(!end.is_open());
    CHECK(is_open_handle(without_overlapped));
    CloseHandle(without_overlapped);

    bare_pipe pipe;
    end.assign(pipe.server);
    end.assign(pipe.server, ec);
    CHECK(ec == error::already_open);
}

TEST_CASE("a handle object moves with its operations, to other executors too", "[windows][stream_handle]") {
    rill::io_context io(any_hint());
    bare_pipe pipe;
    pipe.connect();
    rill::windows::basic_stream_handle<rill::io_context::executor_type> original(io, pipe.server);
    stream_handle other(io.get_executor(), pipe.client);
    char data[1] = {};
    error_code result = error::fault;
    original.async_read_some(buffer(data), [&](error_code ec, std::size_t) { result = ec; });
    io.poll();
    stream_handle general(std::move(original));
    CHECK(!original.is_open());
    CHECK(general.is_open());
    other = std::move(general);  // the client's end is closed
    io.restart();
    io.run_for(60s);
    CHECK(result == error::broken_pipe);
    CHECK(other.is_open());
    CHECK(other.get_executor() == io.get_executor());
}

TEST_CASE("reads and writes of a pipe give futures", "[windows][stream_handle]") {
    rill::io_context io;
    pair_of_ends pipe(io);
    char data[3];
    std::future<std::size_t> read = pipe.first.async_read_some(buffer(data), rill::use_future);
    std::future<std::size_t> written = pipe.second.async_write_some(buffer("abc", 3), rill::use_future);
    io.run_for(60s);
    CHECK(written.get() == 3);
    CHECK(read.get() == 3);
}

TEST_CASE("a context that is destroyed ends the operations of a pipe, which outlives it", "[windows][stream_handle]") {
    auto io = std::make_unique<rill::io_context>(any_hint());
    bare_pipe pipe;
    pipe.connect();
    stream_handle end(*io, pipe.server), other(*io, pipe.client);
    char data[1];
    bool called = false;
    auto alive = std::make_shared<int>();
    std::weak_ptr<int> watch = alive;
    end.async_read_some(buffer(data), [&called, alive = std::move(alive)](error_code, std::size_t) { called = true; });
    io.reset();
    CHECK(!called);
    CHECK(watch.expired());
    CHECK(is_open_handle(pipe.server));
    end.close();
    CHECK(!is_open_handle(pipe.server));
}
