// SPDX-License-Identifier: BSL-1.0
#include <support/capabilities.hpp>

#if TEST_HAS_IO_URING

#include "rings.hpp"

#include <rill/context/executor_work_guard.hpp>
#include <rill/core/cancellation_signal.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/post.hpp>

#include <support/child_process.hpp>
#include <support/soon.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <deque>
#include <optional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

// A shared context that one thread runs: its ring does not interrupt that
// thread, which alone calls the kernel with it. And all that another thread may
// do then.

using namespace rings;

namespace {

bool have_quiet_rings() {
    if (!have_rings())
        return false;
    const bool have = rill::engine::tried_ring().cooperates;
    if (!have)
        WARN("not run: this kernel's rings always interrupt");
    return have;
}

/// Whether the ring that was opened last is one that does not interrupt.
bool is_quiet() { return (the_ring_tap().flags() & rill::engine::system::ring_constant::setup_coop_taskrun) != 0; }

/// This thread has run @p io for so long that it has the ring for itself.
bool settles(io_context& io) {
    rally r(io);
    r.start();
    for (int n = 0; n != 2000 && !is_quiet(); ++n)
        io.run_one();
    r.stop();
    while (io.poll() != 0) {
    }
    return is_quiet();
}

/// A read, and what has come of it, possibly on another thread.
struct reading {
    explicit reading(io_context& io) : ends(io) {}
    void start() {
        ends.first.async_read_some(buffer(data), [this](error_code e, std::size_t n) {
            ec = e;
            bytes = n;
            ++calls;
        });
    }
    void send(std::string_view text) { rill::write(ends.second, buffer(text.data(), text.size())); }

    local_pair ends;
    char data[8];
    error_code ec;
    std::size_t bytes = 0;
    std::atomic<int> calls{0};  // written last
};

enum class busy { waiting, blocked, computing };

/// A thread that has a ring for itself, in which @p first's reads are, and is
/// then inside run(): it waits in the ring, or is in a handler until release().
class lone_runner {
public:
    lone_runner(io_context& io, busy how, std::vector<reading*> first)
        : io_(io), work_(rill::make_work_guard(io)), thread_([this, how, first = std::move(first)] {
              has_settled_ = settles(io_);
              for (reading* r : first)
                  r->start();
              io_.poll();  // the kernel has them
              if (how != busy::waiting)
                  rill::post(io_, [this, how] { hold(how); });
              is_ready_ = how == busy::waiting;
              io_.run();
          }) {
        if (!soon([&] { return is_ready_.load(); }))
            FAIL("the thread does not come to wait");
    }
    lone_runner(const lone_runner&) = delete;
    ~lone_runner() { finish(); }

    bool has_settled() const { return has_settled_; }
    std::thread::id id() const { return thread_.get_id(); }
    void release() { is_released_ = true; }
    void finish() {
        if (!thread_.joinable())
            return;
        release();
        work_.reset();
        io_.stop();
        thread_.join();
        io_.restart();
    }

private:
    void hold(busy how) {
        is_ready_ = true;
        const auto end = std::chrono::steady_clock::now() + 60s;
        while (!is_released_ && std::chrono::steady_clock::now() < end)
            if (how == busy::blocked)
                std::this_thread::yield();
    }

    io_context& io_;
    rill::executor_work_guard<io_context::executor_type> work_;
    std::atomic<bool> has_settled_{false}, is_ready_{false}, is_released_{false};
    std::thread thread_;
};

}  // namespace

TEST_CASE("a thread that runs a shared context by itself alone submits, also "
          "what others start",
          "[engine][io_uring]") {
    if (!have_quiet_rings())
        return;
    io_context io(rill::backend::io_uring);
    std::atomic<std::thread::id> alone{};
    std::atomic<int> by_others{0}, by_it{0};
    const tapped tap([&](::io_uring_sqe& e) -> std::optional<int> {
        if (ring_tap::is_request(e) && alone.load() != std::thread::id())
            ++(alone.load() == std::this_thread::get_id() ? by_it : by_others);
        return {};
    });
    lone_runner runner(io, busy::waiting, {});
    REQUIRE(runner.has_settled());
    alone = runner.id();
    std::deque<reading> all;
    constexpr int many = 300;  // more than the ring has entries
    for (int i = 0; i != many; ++i)
        all.emplace_back(io).start();
    for (auto& r : all)
        r.send("abc");
    CHECK(soon([&] { return std::all_of(all.begin(), all.end(), [](auto& r) { return r.calls == 1; }); }));
    for (auto& r : all)
        CHECK(r.bytes == 3);
    CHECK(by_it >= many);
    CHECK(by_others == 0);
    CHECK(is_quiet());
}

TEST_CASE("a shared context of several threads has no ring of one, nor one of "
          "which a thread of the kernel's takes entries",
          "[engine][io_uring]") {
    if (!have_quiet_rings())
        return;
    const char* wish = GENERATE("", "polled=50");
    const environment_variable variable("RILL_IO_URING", wish);
    io_context io(rill::backend::io_uring);
    const tapped tap;
    rally r(io);
    r.start();
    std::thread other;
    if (!*wish) {
        other = std::thread([&] { io.run(); });
        rill::post(io, [&] { CHECK(soon([&] { return r.hits() >= 40; })); });  // until both are in run()
    }
    while (r.hits() < 1000)
        io.run_one();
    r.stop();
    if (other.joinable())
        other.join();
    CHECK(!is_quiet());
    CHECK(tap->count(ring_tap::call::setup) <= (*wish ? 0 : 2));
}

TEST_CASE("a thread that comes to run a context gets what another has "
          "submitted, whatever that is at",
          "[engine][io_uring]") {
    if (!have_quiet_rings())
        return;
    io_context io(rill::backend::io_uring);
    const auto how = GENERATE(busy::blocked, busy::computing);
    const bool polls = GENERATE(false, true);
    reading early(io), late(io), started_elsewhere(io);
    const tapped tap;
    lone_runner runner(io, how, {&early, &late});
    REQUIRE(runner.has_settled());
    early.send("abc");
    started_elsewhere.start();
    started_elsewhere.send("abc");
    std::thread second([&] {
        CHECK(soon([&] {
            if (early.calls + started_elsewhere.calls == 2 && late.calls == 0)
                late.send("abc");
            if (polls)
                io.poll();
            else
                io.run_one_for(1s);
            return late.calls == 1;
        }));
    });
    second.join();
    CHECK(early.bytes + late.bytes + started_elsewhere.bytes == 9);
    CHECK(!is_quiet());
    CHECK(tap->count(ring_tap::call::setup) == 2);
    runner.release();

    // For good: the first thread runs it alone again.
    runner.finish();
    const int setups = tap->count(ring_tap::call::setup);
    rally r(io);
    r.start();
    for (int n = 0; n != 400; ++n)
        io.run_one();
    CHECK(tap->count(ring_tap::call::setup) == setups);
}

TEST_CASE("what another thread ends has ended at once, whatever the one is at "
          "that has the ring",
          "[engine][io_uring]") {
    if (!have_quiet_rings())
        return;
    io_context io(rill::backend::io_uring);
    const auto how = GENERATE(busy::waiting, busy::blocked, busy::computing);
    reading target(io), bystander(io);
    rill::cancellation_signal signal;
    std::atomic<int> slots_ended{0};
    const tapped tap;
    std::optional<local::socket> foreign;
    lone_runner runner(io, how, {&target, &bystander});
    REQUIRE(runner.has_settled());
    bool is_open = true;
    SECTION("cancel()") { target.ends.first.cancel(); }
    SECTION("close()") {
        target.ends.first.close();
        is_open = false;
        char c;
        error_code ec;
        CHECK(target.ends.second.read_some(buffer(&c, 1), ec) == 0);
        CHECK(ec == error::eof);
    }
    SECTION("release()") {
        const auto handle = target.ends.first.release();
        target.ends.first.assign(local(), handle);
    }
    SECTION("a signal") {
        // Of a second read, behind the first: it is not with the kernel, and ends
        // as it is. Of a wait, which is.
        char c;
        const auto count = [&](error_code ec, std::size_t = 0) { slots_ended += ec == error::operation_aborted; };
        target.ends.first.async_read_some(buffer(&c, 1), rill::bind_cancellation_slot(signal.slot(), count));
        signal.emit(rill::cancellation_type::terminal);
        rill::cancellation_signal other;
        bystander.ends.second.async_wait(local::socket::wait_read, rill::bind_cancellation_slot(other.slot(), count));
        if (how == busy::waiting)
            CHECK(soon([&] { return slots_ended == 1; }));
        other.emit(rill::cancellation_type::terminal);
        target.ends.first.cancel();
        runner.release();
        CHECK(soon([&] { return slots_ended == 2; }));
    }
    CHECK(!is_quiet());
    if (is_open) {
        reading again(io);
        again.ends = std::move(target.ends);
        again.start();
        again.send("new");  // what arrives from here on is not for the read that has ended
        runner.release();
        CHECK(soon([&] { return again.calls == 1; }));
        CHECK(again.bytes == 3);
        target.ends = std::move(again.ends);
    }
    runner.release();
    CHECK(soon([&] { return target.calls == 1; }));
    CHECK(target.ec == error::operation_aborted);
    bystander.send("abc");
    CHECK(soon([&] { return bystander.calls == 1; }));
    CHECK(bystander.bytes == 3);
}

TEST_CASE("a context is destroyed though the thread that ran it computes", "[engine][io_uring]") {
    if (!have_quiet_rings())
        return;
    std::optional<io_context> io(std::in_place, rill::backend::io_uring);
    std::optional<reading> pending(std::in_place, *io);
    const bool socket_first = GENERATE(false, true);
    const tapped tap;
    std::atomic<bool> is_ready{false}, is_destroyed{false}, in_time{false};
    std::thread first([&] {
        const bool settled = settles(*io);
        pending->start();
        io->restart();
        io->poll();
        is_ready = settled;
        const auto end = std::chrono::steady_clock::now() + 60s;
        while (!is_destroyed && std::chrono::steady_clock::now() < end) {
        }
        in_time = is_destroyed.load();
    });
    CHECK(soon([&] { return is_ready.load(); }));
    if (socket_first)
        pending.reset();
    io.reset();
    is_destroyed = true;
    first.join();
    CHECK(in_time);
}

TEST_CASE("a process forks though another thread has the ring", "[engine][io_uring]") {
    if (!have_quiet_rings())
        return;
    io_context io(rill::backend::io_uring);
    reading pending(io);
    const tapped tap;
    std::atomic<bool> is_ready{false}, is_over{false};
    std::thread first([&] {
        const bool settled = settles(io);
        pending.start();
        io.restart();
        io.poll();
        is_ready = settled;
        while (!is_over) {
        }
    });
    CHECK(soon([&] { return is_ready.load(); }));
    io.notify_fork(io_context::fork_prepare);
    const auto goes_on = [&] {
        const bool read = run_until(io, [&] { return pending.calls == 1; });
        return read && !pending.ec && pending.bytes == 3;
    };
    const pid_t id = ::fork();
    if (id == 0)
        child_process::leave([&] {
            io.notify_fork(io_context::fork_child);
            pending.send("abc");
            return goes_on() ? 0 : 1;
        });
    child_process child(id);
    CHECK(child.exit_code() == 0);
    io.notify_fork(io_context::fork_parent);
    pending.send("abc");
    CHECK(goes_on());
    is_over = true;
    first.join();
}

TEST_CASE("a context whose thread gets no other ring works in the one it has", "[engine][io_uring]") {
    if (!have_quiet_rings())
        return;
    io_context io(rill::backend::io_uring);
    const int code = GENERATE(EMFILE, ENOMEM);
    const auto how = GENERATE(busy::waiting, busy::blocked, busy::computing);
    reading target(io), bystander(io), third(io);
    const tapped tap;
    lone_runner runner(io, how, {&target, &bystander});
    REQUIRE(runner.has_settled());
    const int before = tap->count(ring_tap::call::setup);
    tap->fail(ring_tap::call::setup, {before, ring_tap::for_ever, code});
    target.ends.first.cancel();
    third.start();
    third.send("abc");
    bystander.send("abc");
    std::thread second(
        [&] { CHECK(run_until(io, [&] { return target.calls + bystander.calls + third.calls == 3; })); });
    second.join();
    CHECK(target.ec == error::operation_aborted);
    CHECK(bystander.bytes + third.bytes == 6);
    CHECK(tap->count(ring_tap::call::setup) > before);
    CHECK(is_quiet());

    // When there are rings again its thread sees to it.
    tap->fail(ring_tap::call::setup, {});
    runner.release();
    reading last(io);
    rill::post(io, [&] { last.start(); });
    last.send("abc");
    CHECK(soon([&] { return last.calls == 1; }));
    if (how != busy::waiting)
        CHECK(soon([&] {
            last.calls = 0;
            last.start();
            last.send("abc");
            return soon([&] { return last.calls == 1; }) && !is_quiet();
        }));
}

TEST_CASE("a thread that nothing wakes keeps its own operations from "
          "completing, and no others",
          "[engine][io_uring]") {
    if (!have_quiet_rings())
        return;
    io_context io(rill::backend::io_uring);
    reading its_own(io), others(io);
    int tells[2];
    REQUIRE(::pipe(tells) == 0);
    const tapped tap;
    {
        lone_runner runner(io, busy::waiting, {&its_own});
        REQUIRE(runner.has_settled());
        std::atomic<bool> sleeps{false}, has_slept{false};
        rill::post(io, [&] {
            sleeps = true;
            // Until the new process ends, or runs another program, its parent's
            // thread sleeps in a way that no signal ends.
            const ::pid_t id = ::vfork();
            if (id == 0) {
                char c;
                static_cast<void>(!::read(tells[0], &c, 1));
                ::_exit(0);
            }
            ::waitpid(id, nullptr, 0);
            has_slept = true;
        });
        CHECK(soon([&] { return sleeps.load(); }));
        std::thread second([&] {
            for (int i = 1; i <= 3; ++i) {
                others.start();
                others.send("abc");
                CHECK(run_until(io, [&] { return others.calls == i; }));
                CHECK(others.bytes == 3);
            }
        });
        second.join();
        CHECK(!has_slept);
        its_own.send("abc");
        REQUIRE(::write(tells[1], "x", 1) == 1);
        CHECK(soon([&] { return its_own.calls == 1; }));
        CHECK(its_own.bytes == 3);
        CHECK(soon([&] { return has_slept.load(); }));
    }
    ::close(tells[0]);
    ::close(tells[1]);
}

TEST_CASE("a context ends elsewhere, with more requests than its ring has entries, while the thread that had it lives",
          "[engine][io_uring]") {
    if (!have_quiet_rings())
        return;
    const environment_variable wish("RILL_IO_URING", "entries=2");
    const tapped tap;
    std::optional<io_context> io(std::in_place, rill::backend::io_uring);
    std::deque<reading> reads;
    for (int i = 0; i != 10; ++i)
        reads.emplace_back(*io);
    std::atomic<bool> has_left{false}, may_end{false};
    bool has_settled = false;
    std::thread thread([&] {
        has_settled = settles(*io);
        for (auto& r : reads)
            r.start();
        io->poll();
        has_left = true;
        soon([&] { return may_end.load(); });
    });
    REQUIRE(soon([&] { return has_left.load(); }));
    CHECK(has_settled);
    io.reset();
    for (const auto& r : reads)
        CHECK(r.calls == 0);
    may_end = true;
    thread.join();
}

#endif
