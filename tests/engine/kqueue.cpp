// SPDX-License-Identifier: BSL-1.0
#include <support/capabilities.hpp>

#if TEST_HAS_KQUEUE

#include <rill/engine/driver/kqueue.hpp>

#include <support/catch.hpp>

#include <rill/context/io_context.hpp>
#include <rill/engine/driver/make_driver.hpp>
#include <rill/local/connect_pair.hpp>
#include <support/kqueue/emulation.hpp>

#include <optional>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

// What the suite does not show of itself when it runs on kqueue.

using namespace std::chrono_literals;
using rill::error_code;

namespace {

struct local_pair {
    explicit local_pair(int hint) : io(hint, rill::backend::kqueue), first(io), second(io) {
        rill::local::connect_pair(first, second);
    }

    int filters() { return kqueue_emulation::count_filters(first.native_handle()); }

    /// Leaves no room to write to the first.
    void fill() {
        first.non_blocking(true);
        error_code ec;
        while (!ec)
            first.write_some(rill::buffer(block), ec);
        REQUIRE(ec == rill::error::would_block);
    }
    void drain() {
        second.non_blocking(true);
        error_code ec;
        while (!ec)
            second.read_some(rill::buffer(block), ec);
    }

    const kqueue_emulation::calm calm;
    rill::io_context io;
    rill::local::stream_protocol::socket first, second;
    std::vector<char> block = std::vector<char>(65536);
};

}  // namespace

TEST_CASE("a handle is registered for writing while a write waits, and until room is reported that nobody waits for",
          "[engine][kqueue]") {
    local_pair pair(GENERATE(1, 2));
    bool read = false, wrote = false;
    pair.first.async_read_some(rill::buffer(pair.block), [&](error_code, std::size_t) { read = true; });
    pair.io.poll();
    CHECK(pair.filters() == 1);

    pair.fill();
    pair.first.async_write_some(rill::buffer("abc", 3), [&](error_code ec, std::size_t) { wrote = !ec; });
    pair.io.poll();
    CHECK(pair.filters() == 2);
    CHECK_FALSE(wrote);

    pair.drain();
    while (!wrote)
        pair.io.run_one();
    CHECK(pair.filters() == 2);

    // Now the peer goes on to read: there is more room each time, and the first time says so once too often.
    pair.fill();
    pair.drain();
    pair.io.poll();
    CHECK(pair.filters() == 1);
    CHECK_FALSE(read);

    pair.fill();
    wrote = false;
    pair.first.async_write_some(rill::buffer("abc", 3), [&](error_code ec, std::size_t) { wrote = !ec; });
    pair.drain();
    while (!wrote)
        pair.io.run_one();
}

TEST_CASE("a handle that is released is not registered any more, one that is closed neither", "[engine][kqueue]") {
    local_pair pair(GENERATE(1, 2));
    for (auto* s : {&pair.first, &pair.second})
        s->async_read_some(rill::buffer(pair.block), [](error_code, std::size_t) {});
    pair.io.poll();
    CHECK(pair.filters() == 1);
    const int descriptor = pair.first.release();
    CHECK(kqueue_emulation::count_filters(descriptor) == 0);
    ::close(descriptor);
    const int other = pair.second.native_handle();
    CHECK(kqueue_emulation::count_filters(other) == 1);
    pair.second.close();
    CHECK(kqueue_emulation::count_filters(other) == 0);
}

TEST_CASE("a queue that was not inherited is not closed in the new process: its number may be another file's",
          "[engine][kqueue]") {
    std::optional<rill::io_context> io(std::in_place, 1, rill::backend::kqueue);
    const ::pid_t child = ::fork();
    if (child == 0) {
        // The lowest numbers that are free, among them the queue's.
        std::vector<int> taken;
        for (int i = 0; i < 16; ++i)
            taken.push_back(::dup(STDERR_FILENO));
        io.reset();
        bool are_open = true;
        for (int descriptor : taken)
            are_open = are_open && ::fcntl(descriptor, F_GETFD) != -1;
        ::_exit(are_open ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

TEST_CASE("a loop on kqueue that is woken more often than its pipe holds runs what it was woken for, and sleeps again",
          "[engine][kqueue]") {
    using namespace rill::engine;
    const kqueue_emulation::calm calm;
    auto driver = make_driver(rill::backend::kqueue, GENERATE(threading::solo, threading::shared));
    for (int i = 0; i < 100'000; ++i)
        driver->wake();
    task_queue ready;
    driver->wait(wait_limit(), ready);  // returns
    wait_limit until;
    until.deadline = until.own_deadline = driver->now() + 20ms;
    int waits = 0;
    for (; driver->now() < until.deadline; ++waits)
        driver->wait(until, ready);
    CHECK(waits < 20);
    CHECK(ready.empty());
    driver->shut_down(ready);
}

#endif
