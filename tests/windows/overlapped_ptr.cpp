// SPDX-License-Identifier: BSL-1.0
#include <rill/windows/overlapped_ptr.hpp>

#include <rill/context/io_context.hpp>
#include <rill/context/strand.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/windows/overlapped_handle.hpp>
#include <rill/windows/random_access_handle.hpp>
#include <rill/windows/stream_handle.hpp>

#include <support/catch.hpp>
#include <support/windows/files.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using rill::buffer;
using rill::error_code;
using rill::windows::overlapped_ptr;
namespace error = rill::error;

namespace {

int any_hint() { return GENERATE(1, 2); }

/// Hands on what a call has come to.
void finish(overlapped_ptr& overlapped, bool done) {
    const DWORD number = GetLastError();
    if (!done && number != ERROR_IO_PENDING)
        overlapped.complete(error_code(static_cast<int>(number), boost::system::system_category()), 0);
    else
        overlapped.release();
}

struct outcome {
    int called = 0;
    error_code ec = error::fault;
    std::size_t bytes = 0;
    auto handler() {
        return [this](error_code e, std::size_t n) {
            ++called;
            ec = e;
            bytes = n;
        };
    }
};

}  // namespace

TEST_CASE("a ReadFile() of one's own is answered through the context", "[windows][overlapped_ptr]") {
    rill::io_context io(any_hint());
    rill::windows::random_access_handle file(io, open_temporary_file(FILE_FLAG_OVERLAPPED));
    file.write_some_at(0, buffer("0123456789", 10));
    char data[4];
    outcome o;
    overlapped_ptr overlapped(io, o.handler());
    REQUIRE(overlapped.get() != nullptr);
    overlapped.get()->Offset = 6;
    finish(overlapped, ReadFile(file.native_handle(), data, 4, nullptr, overlapped.get()) != 0);
    CHECK(overlapped.get() == nullptr);
    CHECK(o.called == 0);
    io.run_for(60s);
    CHECK(o.called == 1);
    CHECK(!o.ec);
    CHECK(o.bytes == 4);
    CHECK(std::string(data, 4) == "6789");
}

TEST_CASE("a call that has failed at once is completed by hand", "[windows][overlapped_ptr]") {
    rill::io_context io(any_hint());
    outcome o;
    overlapped_ptr overlapped(io.get_executor(), o.handler());
    overlapped.complete(error::eof, 7);
    CHECK(overlapped.get() == nullptr);
    CHECK(o.called == 0);  // not from inside
    CHECK(io.run_for(60s) == 1);
    CHECK(o.called == 1);
    CHECK(o.ec == error::eof);
    CHECK(o.bytes == 7);
}

TEST_CASE("a call of one's own that waits keeps the context at work, and ends with its handle",
          "[windows][overlapped_ptr]") {
    rill::io_context io(any_hint());
    bare_pipe pipe;
    rill::windows::overlapped_handle server(io, pipe.server);
    outcome o;
    overlapped_ptr overlapped(io, o.handler());
    finish(overlapped, ConnectNamedPipe(server.native_handle(), overlapped.get()) != 0);
    io.poll();
    CHECK(!io.stopped());
    REQUIRE(o.called == 0);
    SECTION("a client connects") {
        pipe.connect();
        io.run_for(60s);
        CHECK(!o.ec);
        CloseHandle(pipe.client);
    }
    SECTION("it is cancelled") {
        server.cancel();
        io.run_for(60s);
        CHECK(o.ec == error::operation_aborted);
    }
    SECTION("the handle is closed") {
        server.close();
        io.run_for(60s);
        CHECK(o.ec == error::operation_aborted);
    }
    CHECK(o.called == 1);
}

TEST_CASE("a handler that is not used is destroyed, not called", "[windows][overlapped_ptr]") {
    rill::io_context io(any_hint());
    bool called = false;
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> watch = alive;
    overlapped_ptr overlapped(io, [&called, alive](error_code, std::size_t) { called = true; });
    alive.reset();
    io.poll();
    CHECK(!io.stopped());
    SECTION("by reset()") { overlapped.reset(); }
    SECTION("for another one") {
        overlapped.reset(io, [](error_code, std::size_t) {});
    }
    CHECK(watch.expired());
    overlapped.reset();
    CHECK(overlapped.get() == nullptr);
    CHECK(overlapped.release() == nullptr);
    overlapped.complete(error_code(), 0);
    io.restart();
    CHECK(io.run() == 0);
    CHECK(!called);
}

TEST_CASE("the answer to a call of one's own goes through the handler's executor", "[windows][overlapped_ptr]") {
    rill::io_context io(any_hint());
    rill::windows::random_access_handle file(io, open_temporary_file(FILE_FLAG_OVERLAPPED));
    auto strand = rill::make_strand(io);
    bool inside = false;
    overlapped_ptr overlapped(
        io, rill::bind_executor(strand, [&](error_code, std::size_t) { inside = strand.running_in_this_thread(); }));
    finish(overlapped, WriteFile(file.native_handle(), "abc", 3, nullptr, overlapped.get()) != 0);
    io.run_for(60s);
    CHECK(inside);
}

TEST_CASE("calls of one's own are made while another thread runs the context", "[windows][overlapped_ptr]") {
    rill::io_context io(any_hint());
    rill::windows::random_access_handle file(io, open_temporary_file(FILE_FLAG_OVERLAPPED));
    constexpr int count = 500;
    std::atomic<int> done{0};
    auto work = rill::require(io.get_executor(), rill::execution::outstanding_work.tracked);
    std::thread runner([&] { io.run(); });
    {
        auto until_all_are_made = std::move(work);
        for (int i = 0; i < count; ++i) {
            overlapped_ptr overlapped(io, [&](error_code ec, std::size_t n) { done += !ec && n == 3; });
            finish(overlapped, WriteFile(file.native_handle(), "abc", 3, nullptr, overlapped.get()) != 0);
        }
    }
    runner.join();
    CHECK(done == count);
}

TEST_CASE("a context that is destroyed takes back the calls of one's own", "[windows][overlapped_ptr]") {
    auto io = std::make_unique<rill::io_context>(any_hint());
    bare_pipe pipe;
    pipe.connect();
    rill::windows::stream_handle end(*io, pipe.server);
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> watch = alive;
    bool called = false;
    char data[4];
    overlapped_ptr overlapped(*io, [&called, alive](error_code, std::size_t) { called = true; });
    alive.reset();
    finish(overlapped, ReadFile(end.native_handle(), data, 4, nullptr, overlapped.get()) != 0);
    CHECK(!watch.expired());
    io.reset();
    CHECK(watch.expired());
    CHECK(!called);
    CloseHandle(pipe.client);
}
