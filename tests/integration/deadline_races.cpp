// SPDX-License-Identifier: BSL-1.0
#include <rill/rill.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>
#include <vector>

// Two threads emit to each operation while it completes, and while its deadline comes: it completes exactly once.
// RILL_TEST_RACES in the environment is the number of rounds, for long runs; without it they end after a fifth of a second.

using namespace std::chrono_literals;
using rill::buffer;
using rill::cancellation_type;
using rill::error_code;
using rill::ip::tcp;
using local = rill::local::stream_protocol;

namespace {

/// Whether there is to be another round.
class rounds {
public:
    bool next() {
        if (left_ == 0 || (!named_ && std::chrono::steady_clock::now() > end_))
            return false;
        --left_;
        return true;
    }

private:
    const char* named_ = std::getenv("RILL_TEST_RACES");
    long left_ = named_ ? std::atol(named_) : 2000;
    std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + 200ms;
};

/// A thread that does one thing in each round, together with the others.
class companion {
public:
    template <class F>
    explicit companion(F f)
        : thread_([this, f] {
              for (unsigned seen = 0;;) {
                  const unsigned round = round_.load(std::memory_order_acquire);
                  if (round == last)
                      return;
                  if (round == seen) {
                      std::this_thread::yield();
                      continue;
                  }
                  seen = round;
                  f(round);
                  done_.store(round, std::memory_order_release);
              }
          }) {}
    ~companion() {
        round_.store(last, std::memory_order_release);
        thread_.join();
    }
    void go() { round_.store(++count_, std::memory_order_release); }
    void wait() const {
        while (done_.load(std::memory_order_acquire) != count_)
            std::this_thread::yield();
    }

private:
    static constexpr unsigned last = static_cast<unsigned>(-1);
    unsigned count_ = 0;
    std::atomic<unsigned> round_{0}, done_{0};
    std::thread thread_;
};

/// A deadline that comes about when the operation completes: the phase moves from round to round.
std::chrono::microseconds about(unsigned round) { return std::chrono::microseconds(round % 48); }

/// Starts an operation in each round, makes it complete, and emits from two threads meanwhile.
template <class Start, class Finish>
void race(int hint, int runners, Start start, Finish finish) {
    rill::io_context io(hint);
    auto work = std::make_optional<rill::executor_work_guard<rill::io_context::executor_type>>(io.get_executor());
    std::vector<std::thread> running;
    for (int i = 0; i < runners; ++i)
        running.emplace_back([&io] { io.run(); });
    rill::cancellation_signal signal;
    std::atomic<int> calls{0};
    int wrong = 0;
    {
        companion total([&](unsigned) { signal.emit(cancellation_type::total); });
        companion terminal([&](unsigned) { signal.emit(cancellation_type::terminal); });
        unsigned round = 0;
        for (rounds to_go; wrong == 0 && to_go.next(); ++round) {
            calls = 0;
            start(io, round, rill::bind_cancellation_slot(signal.slot(), [&](auto&&...) { ++calls; }));
            total.go();
            terminal.go();
            finish(round);
            total.wait();
            terminal.wait();
            // Both may have come before the operation was in their reach: it is not to hang.
            const auto end = std::chrono::steady_clock::now() + 10s;
            while (calls == 0 && std::chrono::steady_clock::now() < end)
                signal.emit(cancellation_type::terminal);
            wrong += calls != 1;
        }
    }
    work.reset();
    for (std::thread& t : running)
        t.join();
    wrong += calls != 1;
    CHECK(wrong == 0);
}

struct setting {
    int hint, runners;
};
setting any_setting() { return GENERATE(setting{1, 1}, setting{2, 1}, setting{2, 3}); }

}  // namespace

TEST_CASE("a read, its deadline and two emitters race for one completion", "[races][cancel_after]") {
    const setting s = any_setting();
    std::optional<local::socket> first, second;
    char data[4];
    const int kind = GENERATE(0, 1, 2, 3, 4);
    race(
        s.hint, s.runners,
        [&](rill::io_context& io, unsigned round, auto handler) {
            if (!first) {
                first.emplace(io);
                second.emplace(io);
                rill::local::connect_pair(*first, *second);
                first->non_blocking(true);
            }
            for (error_code ec; !ec;)  // what a read that was cancelled has left
                first->read_some(buffer(data), ec);
            if (kind == 0)
                first->async_read_some(buffer(data), rill::cancel_after(about(round), std::move(handler)));
            else if (kind == 1)
                rill::async_read(*first, buffer(data), rill::timeout_after(about(round), std::move(handler)));
            else if (kind == 2)
                first->async_read_some(buffer(data), std::move(handler));
            else if (kind == 3)
                first->async_receive(buffer(data), 0, std::move(handler));
            else
                first->async_wait(local::socket::wait_read, rill::cancel_after(about(round), std::move(handler)));
        },
        [&](unsigned round) {
            error_code ec;
            if (round % 3 == 0)
                second->write_some(buffer("abcd", 4), ec);
            if (round % 5 == 0)
                first->cancel();
        });
}

TEST_CASE("a write, its deadline and two emitters race for one completion", "[races][cancel_after]") {
    const setting s = any_setting();
    std::optional<local::socket> first, second;
    char chunk[4096]{};
    char drained[4096];
    const int kind = GENERATE(0, 1, 2, 3);
    race(
        s.hint, s.runners,
        [&](rill::io_context& io, unsigned round, auto handler) {
            error_code ec;
            if (!first) {
                first.emplace(io);
                second.emplace(io);
                rill::local::connect_pair(*first, *second);
                first->non_blocking(true);
                second->non_blocking(true);
            }
            while (!ec)  // until it is full
                first->write_some(buffer(chunk), ec);
            if (kind == 0)
                first->async_write_some(buffer(chunk), std::move(handler));
            else if (kind == 1)
                first->async_send(buffer(chunk), 0, rill::cancel_after(about(round), std::move(handler)));
            else if (kind == 2)
                rill::async_write(*first, buffer(chunk), rill::cancel_after(about(round), std::move(handler)));
            else
                first->async_wait(local::socket::wait_write, std::move(handler));
        },
        [&](unsigned round) {
            error_code ec;
            for (unsigned i = 0; i != round % 64; ++i)
                second->read_some(buffer(drained), ec);
        });
}

TEST_CASE("a connect, its deadline and two emitters race for one completion", "[races][cancel_after]") {
    const setting s = any_setting();
    rill::io_context other;
    tcp::acceptor acceptor(other, tcp::endpoint(rill::ip::address_v4::loopback(), 0));
    acceptor.non_blocking(true);
    const tcp::endpoint peers[] = {acceptor.local_endpoint()};
    std::optional<tcp::socket> socket;
    race(
        s.hint, s.runners,
        [&](rill::io_context& io, unsigned round, auto handler) {
            socket.emplace(io);
            if (round % 2)
                socket->async_connect(peers[0], rill::cancel_after(about(round), std::move(handler)));
            else
                rill::async_connect(*socket, peers, rill::cancel_after(about(round), std::move(handler)));
        },
        [&](unsigned) {
            error_code ec;
            while (!ec)
                acceptor.accept(ec);
        });
    socket.reset();
}

TEST_CASE("a wait of a timer, its deadline and two emitters race for one completion", "[races][cancel_after]") {
    const setting s = any_setting();
    const bool given = GENERATE(false, true);
    std::optional<rill::steady_timer> timer, deadline;
    race(
        s.hint, s.runners,
        [&](rill::io_context& io, unsigned round, auto handler) {
            timer.emplace(io, about(round * 7));
            if (!given)
                return timer->async_wait(rill::cancel_after(about(round), std::move(handler)));
            deadline.emplace(io);
            timer->async_wait(rill::cancel_after(*deadline, about(round), std::move(handler)));
        },
        [&](unsigned round) {
            if (given && round % 3 == 0)
                deadline->cancel();
        });
    timer.reset();
    deadline.reset();
}

TEST_CASE("an accept, its deadline and two emitters race for one completion", "[races][cancel_after]") {
    const setting s = any_setting();
    std::optional<tcp::acceptor> acceptor;
    std::optional<tcp::socket> client;
    rill::io_context other;
    race(
        s.hint, s.runners,
        [&](rill::io_context& io, unsigned round, auto handler) {
            if (!acceptor)
                acceptor.emplace(io, tcp::endpoint(rill::ip::address_v4::loopback(), 0));
            acceptor->async_accept(rill::cancel_after(about(round), std::move(handler)));
        },
        [&](unsigned round) {
            error_code ec;
            if (round % 4 == 0)
                client.emplace(other).connect(acceptor->local_endpoint(), ec);
        });
}

TEST_CASE("a handler on another context, its deadline and two emitters race", "[races][cancel_after]") {
    const int hint = GENERATE(1, 2);
    rill::io_context other(GENERATE(1, 2));
    auto work = std::make_optional<rill::executor_work_guard<rill::io_context::executor_type>>(other.get_executor());
    std::thread runs_other([&] { other.run(); });
    std::optional<rill::steady_timer> timer;
    race(
        hint, 1,
        [&](rill::io_context& io, unsigned round, auto handler) {
            timer.emplace(io, about(round * 7));
            timer->async_wait(
                rill::cancel_after(about(round), rill::bind_executor(other.get_executor(), std::move(handler))));
        },
        [](unsigned) {});
    timer.reset();
    work.reset();
    runs_other.join();
}

TEST_CASE("a coroutine, its deadline and two emitters race for one completion", "[races][cancel_after]") {
    const setting s = any_setting();
    std::optional<rill::steady_timer> timer;
    race(
        s.hint, s.runners,
        [&](rill::io_context& io, unsigned round, auto handler) {
            timer.emplace(io, about(round * 7));
            co_spawn(
                io, [&t = *timer]() -> rill::awaitable<void> { co_await t.async_wait(rill::timeout_after(20us)); },
                rill::cancel_after(about(round), std::move(handler)));
        },
        [](unsigned) {});
    timer.reset();
}
