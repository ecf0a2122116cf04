// SPDX-License-Identifier: BSL-1.0
#include <support/capabilities.hpp>

#if TEST_HAS_IO_URING

#include "rings.hpp"

#include <rill/context/executor_work_guard.hpp>
#include <rill/core/cancellation_signal.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/post.hpp>

#include <support/soon.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <random>
#include <thread>

// What threads can do to each other in a shared context's ring. RILL_TEST_RACES in the environment multiplies the number of
// rounds.

using namespace rings;

namespace {

int long_form() {
    const char* named = std::getenv("RILL_TEST_RACES");
    return named ? std::max(1, std::atoi(named)) : 1;
}

/// A thread that does what it likes with sockets of its own while others run the context.
class outsider {
public:
    /// @p manners: 0, it starts and posts; 1, it also cancels and closes; 2, it also runs the context.
    outsider(io_context& io, unsigned seed, unsigned manners) : io_(io), random_(seed), manners_(manners) {
        for (auto& p : pairs_)
            p.emplace(io);
    }
    outsider(const outsider&) = delete;

    void act() {
        for (int n = 0; n != 150; ++n) {
            auto& mine = pairs_[random_() % 3];
            switch (random_() % (manners_ == 0 ? 6 : manners_ == 1 ? 10 : 13)) {
            case 0:
            case 1:
            case 2: read(*mine); break;
            case 3:
            case 4: {
                error_code ec;
                rill::write(mine->second, buffer("abc", random_() % 3 + 1), ec);
                break;
            }
            case 5:
                ++started;
                rill::post(io_, [this] { ++completed; });
                break;
            case 6: signal_.emit(rill::cancellation_type::terminal); break;
            case 7: mine->first.cancel(); break;
            case 8: mine.emplace(io_); break;
            case 9: std::this_thread::yield(); break;
            case 10: io_.poll(); break;
            case 11: io_.run_one_for(std::chrono::microseconds(random_() % 300)); break;
            case 12:
                io_.poll_one();
                read(*mine);
                break;
            }
        }
        for (auto& p : pairs_)
            p.reset();
    }

    std::atomic<int> started{0}, completed{0};

private:
    // The data is whoever's comes last: nobody looks at it.
    void read(local_pair& p) {
        ++started;
        if (random_() % 4 == 0)
            p.first.async_wait(local::socket::wait_read, [this](error_code) { ++completed; });
        else if (random_() % 4 == 0)
            p.first.async_read_some(
                buffer(data_[used_++].data(), 4),
                rill::bind_cancellation_slot(signal_.slot(), [this](error_code, std::size_t) { ++completed; }));
        else
            p.first.async_read_some(buffer(data_[used_++].data(), 4), [this](error_code, std::size_t) { ++completed; });
    }

    io_context& io_;
    std::minstd_rand random_;
    const unsigned manners_;
    std::optional<local_pair> pairs_[3];
    rill::cancellation_signal signal_;
    std::size_t used_ = 0;
    std::array<std::array<char, 4>, 200> data_;
};

}  // namespace

TEST_CASE("whatever others do while one thread runs a context, each operation completes",
          "[engine][io_uring][stress]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", GENERATE("", "oldest", "entries=2", "oldest,entries=2"));
    for (unsigned round = 0; round != 12 * static_cast<unsigned>(long_form()); ++round) {
        CAPTURE(round);
        io_context io(rill::backend::io_uring);
        const tapped tap;  // what it does makes the ways into the kernel longer
        auto work = rill::make_work_guard(io);
        rally r(io);
        std::deque<outsider> others;
        for (unsigned i = 0; i != 2; ++i)
            others.emplace_back(io, round * 2 + i + 1, round % 4);
        std::thread runner([&] {
            r.start();
            io.run();
        });
        const int hits = static_cast<int>(round % 7) * 25;
        CHECK(soon([&] { return r.hits() >= hits; }));
        std::vector<std::thread> threads;
        for (auto& o : others)
            threads.emplace_back([&] { o.act(); });
        for (auto& t : threads)
            t.join();
        const bool all = soon([&] {
            return std::all_of(others.begin(), others.end(), [](auto& o) { return o.completed == o.started; });
        });
        CHECK(all);
        r.stop();
        work.reset();
        if (!all)
            io.stop();
        runner.join();
    }
}

TEST_CASE("what another thread is given while one catches up is completed before that one sleeps",
          "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", "entries=2");
    io_context io(rill::backend::io_uring);
    auto work = rill::make_work_guard(io);
    const tapped tap;
    // Three that have to go on waiting are put again at once, for which there are two places: the thread is behind.
    std::deque<local_pair> restless;
    for (int i = 0; i != 3; ++i)
        restless.emplace_back(io);
    local_pair late(io), other(io);
    char byte[2];
    std::atomic<bool> is_late_done{false}, is_other_started{false};
    std::atomic<bool> is_about_to_catch_up{false};
    tap->before_enter([&] {
        if (!is_about_to_catch_up.exchange(false))
            return;
        rill::write(late.second, buffer("l", 1));  // the kernel answers as this thread comes back from the call
        std::thread([&] {
            other.first.async_read_some(buffer(&byte[1], 1), [](error_code, std::size_t) {});
            is_other_started = true;
        }).join();
    });
    rill::post(io, [&] {
        for (auto& p : restless)
            p.first.async_wait(local::socket::wait_read, [](error_code) {});
        late.first.async_read_some(buffer(&byte[0], 1), [&](error_code, std::size_t) { is_late_done = true; });
    });
    std::thread thread([&] { io.run(); });
    CHECK(soon([&] { return tap->requests() == 4; }));
    rill::post(io, [&] {
        for (auto& p : restless) {
            char taken;
            rill::write(p.second, buffer("r", 1));  // here, too: that there is something to read
            rill::read(p.first, buffer(&taken, 1));
        }
        is_about_to_catch_up = true;
    });
    CHECK(soon([&] { return is_late_done.load(); }));
    CHECK(is_other_started);
    for (auto& p : restless)
        p.first.cancel();
    other.first.cancel();
    work.reset();
    thread.join();
}

#endif
