// SPDX-License-Identifier: BSL-1.0
#include <support/capabilities.hpp>

#if TEST_HAS_KQUEUE

#include <rill/engine/driver/kqueue.hpp>

#include <support/catch.hpp>

#include <rill/context/io_context.hpp>
#include <rill/engine/driver/make_driver.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/post.hpp>
#include <support/child_process.hpp>
#include <support/kqueue/emulation.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <fcntl.h>
#include <optional>
#include <sys/wait.h>
#include <thread>
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
    std::vector<char> block = std::vector<char>(65536);
    rill::io_context io;
    rill::local::stream_protocol::socket first, second;
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

TEST_CASE("a write that waits anew is registered anew, whether or not the filter is there", "[engine][kqueue]") {
    local_pair pair(GENERATE(1, 2));
    pair.first.async_read_some(rill::buffer(pair.block), [](error_code, std::size_t) {});
    pair.io.poll();
    pair.fill();
    const int before = kqueue_emulation::count_additions();
    for (int i = 1; i <= 3; ++i) {
        error_code result;
        rill::cancellation_signal cancel;
        pair.first.async_write_some(
            rill::buffer("abc", 3),
            rill::bind_cancellation_slot(cancel.slot(), [&](error_code ec, std::size_t) { result = ec; }));
        pair.io.poll();
        CHECK(kqueue_emulation::count_additions() == before + i);
        cancel.emit(rill::cancellation_type::terminal);
        pair.io.poll();
        CHECK(result == rill::error::operation_aborted);
        CHECK(pair.filters() == 2);
    }
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

TEST_CASE("what kqueue refuses to watch is refused with its own code", "[engine][kqueue]") {
    using namespace rill::engine;
    auto driver = make_driver(rill::backend::kqueue, GENERATE(threading::solo, threading::shared));
    const int closed = ::dup(STDERR_FILENO);
    ::close(closed);
    error_code ec;
    CHECK(driver->attach(closed, ec) == nullptr);
    CHECK(ec == rill::error::bad_descriptor);
}

TEST_CASE("what a context on kqueue opens is closed on exec", "[engine][kqueue]") {
    const auto open_numbers = [] {
        std::vector<int> numbers;
        for (int i = 0; i < 256; ++i)
            if (::fcntl(i, F_GETFD) != -1)
                numbers.push_back(i);
        return numbers;
    };
    const std::vector<int> before = open_numbers();
    rill::io_context io(GENERATE(1, 2), rill::backend::kqueue);
    int made = 0;
    for (int number : open_numbers()) {
        if (std::count(before.begin(), before.end(), number) != 0)
            continue;
        ++made;
        CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK(made >= 3);  // the queue and a pipe
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

TEST_CASE("a wake-up that was fetched before a fork, of a pipe that is the other process's, is nobody's event after it",
          "[engine][kqueue]") {
    const kqueue_emulation::calm calm;
    rill::io_context io(1, rill::backend::kqueue);
    // As many as are passed on at once: the wake-up is left over.
    constexpr std::size_t count = 16;
    std::deque<rill::local::stream_protocol::socket> first, second;
    char byte[count];
    std::size_t received = 0;
    pid_t child = -1;
    for (std::size_t i = 0; i != count; ++i) {
        rill::local::connect_pair(first.emplace_back(io), second.emplace_back(io));
        first[i].async_read_some(rill::buffer(&byte[i], 1), [&](error_code ec, std::size_t) {
            received += !ec;
            if (child != -1)
                return;
            io.notify_fork(rill::io_context::fork_prepare);
            child = ::fork();
            if (child == 0)
                ::alarm(50);  // whatever happens
            io.notify_fork(child == 0 ? rill::io_context::fork_child : rill::io_context::fork_parent);
        });
    }
    io.poll();  // they wait
    for (auto& s : second)
        s.write_some(rill::buffer("a", 1));
    std::thread([&] { rill::post(io, [] {}); }).join();  // an event, behind those
    io.restart();
    io.run();
    if (child == 0)
        child_process::leave([&] { return received == count ? 0 : 1; });
    CHECK(received == count);
    child_process other(child);
    CHECK(other.exit_code() == 0);
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

TEST_CASE("the system is not asked to wait for years, which it may refuse", "[engine][kqueue]") {
    using namespace rill::engine;
    const kqueue_emulation::calm calm;
    auto driver = make_driver(rill::backend::kqueue, GENERATE(threading::solo, threading::shared));
    task_queue ready;
    wait_limit limit;
    limit.deadline = limit.own_deadline = driver->now() + 24h * 365 * 20;
    const int before = kqueue_emulation::count_refused_timeouts();
    driver->wake();
    driver->wait(limit, ready);
    CHECK(kqueue_emulation::count_refused_timeouts() == before);
    driver->shut_down(ready);
}

#endif
