// SPDX-License-Identifier: BSL-1.0
#include <rill/windows/random_access_handle.hpp>

#include <rill/context/io_context.hpp>
#include <rill/token/bind_cancellation_slot.hpp>

#include <support/catch.hpp>
#include <support/windows/files.hpp>

#include <chrono>
#include <string>

using namespace std::chrono_literals;
using rill::buffer;
using rill::error_code;
using rill::windows::random_access_handle;
namespace error = rill::error;

namespace {

int any_hint() { return GENERATE(1, 2); }

}  // namespace

TEST_CASE("bytes are written and read at an offset of a file", "[windows][random_access_handle]") {
    rill::io_context io(any_hint());
    random_access_handle file(io, open_temporary_file(FILE_FLAG_OVERLAPPED));
    REQUIRE(file.is_open());
    CHECK(file.write_some_at(0, buffer("0123456789", 10)) == 10);
    error_code write_error = error::fault, read_error = error::fault;
    char data[4] = {};
    file.async_write_some_at(4, buffer("abc", 3), [&](error_code ec, std::size_t n) {
        write_error = ec;
        CHECK(n == 3);
        file.async_read_some_at(3, buffer(data), [&](error_code e, std::size_t m) {
            read_error = e;
            CHECK(m == 4);
        });
    });
    io.run_for(60s);
    CHECK(!write_error);
    CHECK(!read_error);
    CHECK(std::string(data, 4) == "3abc");
    CHECK(file.read_some_at(7, buffer(data)) == 3);
}

TEST_CASE("an offset has more than 32 bits", "[windows][random_access_handle]") {
    rill::io_context io(any_hint());
    random_access_handle file(io, open_temporary_file(FILE_FLAG_OVERLAPPED));
    constexpr std::uint64_t beyond = (std::uint64_t{1} << 32) + 5;
    error_code result = error::fault;
    file.async_write_some_at(beyond, buffer("z", 1), [&](error_code ec, std::size_t) { result = ec; });
    io.run_for(60s);
    REQUIRE(!result);
    char c = 'a';
    CHECK(file.read_some_at(5, buffer(&c, 1)) == 1);
    CHECK(c == 0);
    CHECK(file.read_some_at(beyond, buffer(&c, 1)) == 1);
    CHECK(c == 'z');
}

TEST_CASE("behind the last byte of a file is its end", "[windows][random_access_handle]") {
    rill::io_context io(any_hint());
    random_access_handle file(io, open_temporary_file(FILE_FLAG_OVERLAPPED));
    file.write_some_at(0, buffer("abc", 3));
    char data[8];
    error_code result;
    std::size_t bytes = 1;
    file.async_read_some_at(3, buffer(data), [&](error_code ec, std::size_t n) {
        result = ec;
        bytes = n;
    });
    io.run_for(60s);
    CHECK(result == error::eof);
    CHECK(bytes == 0);
    error_code ec;
    CHECK(file.read_some_at(100, buffer(data), ec) == 0);
    CHECK(ec == error::eof);
    CHECK(file.read_some_at(1, buffer(data), ec) == 2);
    CHECK(!ec);
}

TEST_CASE("many reads of a file are done at once, in any order", "[windows][random_access_handle]") {
    rill::io_context io(any_hint());
    random_access_handle file(io, open_temporary_file(FILE_FLAG_OVERLAPPED));
    std::string content;
    for (int i = 0; i < 1000; ++i)
        content += static_cast<char>('a' + i % 26);
    file.write_some_at(0, buffer(content));
    std::string got(content.size(), 0);
    std::size_t bytes = 0;
    for (std::size_t at = 0; at < got.size(); at += 10)
        file.async_read_some_at(at, buffer(&got[at], 10), [&](error_code, std::size_t n) { bytes += n; });
    io.run_for(60s);
    CHECK(bytes == content.size());
    CHECK(got == content);
}

TEST_CASE("operations on a closed file say so", "[windows][random_access_handle]") {
    rill::io_context io(any_hint());
    random_access_handle file(io, open_temporary_file(FILE_FLAG_OVERLAPPED));
    file.close();
    char c;
    error_code result, ec;
    file.async_read_some_at(0, buffer(&c, 1), [&](error_code e, std::size_t) { result = e; });
    io.run_for(60s);
    CHECK(result == error::bad_descriptor);
    file.write_some_at(0, buffer("x", 1), ec);
    CHECK(ec == error::bad_descriptor);
    CHECK_THROWS_AS(file.read_some_at(0, buffer(&c, 1)), rill::system_error);
}

TEST_CASE("a transfer of a file that is cancelled too late has been done", "[windows][random_access_handle]") {
    rill::io_context io(1);
    random_access_handle file(io, open_temporary_file(FILE_FLAG_OVERLAPPED));
    rill::cancellation_signal signal;
    int called = 0;
    error_code result;
    std::size_t bytes = 0;
    file.async_write_some_at(0, buffer("abc", 3),
                             rill::bind_cancellation_slot(signal.slot(), [&](error_code ec, std::size_t n) {
                                 ++called;
                                 result = ec;
                                 bytes = n;
                             }));
    signal.emit(rill::cancellation_type::terminal);
    io.run_for(60s);
    CHECK(called == 1);
    CHECK((result == error::operation_aborted || (!result && bytes == 3)));
}
