// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_stream_socket.hpp>

#include "loopback.hpp"

#include <rill/context/executor_work_guard.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/local/connect_pair.hpp>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

// Completion, cancellation by slot and by object, close and destruction race; every operation completes exactly once.
// RILL_TEST_RACES in the environment is the number of rounds, for long runs; without it they end after a fifth of a second.

using namespace loopback;
using rill::buffer;
using rill::error_code;
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
    int left_ = named_ ? std::atoi(named_) : 300;
    std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + 200ms;
};

/// Threads that run a context until the object dies.
class runners {
public:
    runners(rill::io_context& io, int count) : work_(io.get_executor()) {
        for (int i = 0; i < count; ++i)
            threads_.emplace_back([&io] { io.run(); });
    }
    ~runners() {
        work_.reset();
        for (std::thread& t : threads_)
            t.join();
    }

private:
    rill::executor_work_guard<rill::io_context::executor_type> work_;
    std::vector<std::thread> threads_;
};

/// Emits signals on a thread of its own.
class emitter {
public:
    emitter() : thread_([this] { work(); }) {}
    ~emitter() {
        ends_ = true;
        thread_.join();
    }
    void emit(rill::cancellation_signal* s) { next_.store(s, std::memory_order_release); }
    /// Afterwards no signal is used any more.
    void rest() {
        while (next_.load(std::memory_order_acquire) || busy_)
            std::this_thread::yield();
    }

private:
    void work() {
        while (!ends_) {
            busy_ = true;
            if (rill::cancellation_signal* s = next_.exchange(nullptr))
                s->emit(rill::cancellation_type::terminal);
            busy_ = false;
            std::this_thread::yield();
        }
    }
    std::atomic<rill::cancellation_signal*> next_{nullptr};
    std::atomic<bool> busy_{false}, ends_{false};
    std::thread thread_;
};

/// The operations of one round, each with a signal of its own.
class operations {
public:
    auto handler() {
        ++started;
        one& o = all_.emplace_back();
        return rill::bind_cancellation_slot(o.signal.slot(), [this, &o](auto&&...) {
            ++o.calls;
            ++completed;
        });
    }
    rill::cancellation_signal* signal(std::size_t i) { return &all_[i % all_.size()].signal; }
    bool wait() {
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (completed != started && std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
        bool once = completed == started;
        for (const one& o : all_)
            once = once && o.calls == 1;
        return once;
    }

    int started = 0;
    std::atomic<int> completed{0};

private:
    struct one {
        rill::cancellation_signal signal;
        std::atomic<int> calls{0};
    };
    std::deque<one> all_;
};

/// Sockets, a listener and a timer, with operations pending on each.
class objects {
public:
    objects(rill::io_context& io, operations& o, bool fill_it) : first(std::in_place, io), second(io) {
        rill::local::connect_pair(*first, second);
        if (fill_it)
            fill(*first);
        acceptor.emplace(io, any_port());
        timer.emplace(io, 20us);
        client.emplace(io);
        first->async_read_some(buffer(data[0]), o.handler());
        first->async_write_some(buffer("abc", 3), o.handler());
        first->async_read_some(buffer(data[1]), o.handler());
        first->async_wait(tcp::socket::wait_error, o.handler());
        first->async_wait(tcp::socket::wait_write, o.handler());
        acceptor->async_accept(accepted.emplace(io), o.handler());
        acceptor->async_accept(o.handler());
        client->async_connect(acceptor->local_endpoint(), o.handler());
        timer->async_wait(o.handler());
        timer->async_wait(o.handler());
    }

    std::optional<local::socket> first;
    local::socket second;
    std::optional<tcp::acceptor> acceptor;
    std::optional<tcp::socket> accepted, client;
    std::optional<rill::steady_timer> timer;
    char data[2][4]{};
};

void race(int hint, int threads) {
    rill::io_context io(hint);
    std::mt19937 random(static_cast<std::uint32_t>(hint));
    emitter other;
    bool all_once = true;
    {
        runners running(io, threads);
        rounds to_go;
        for (int i = 0; all_once && to_go.next(); ++i) {
            operations o;
            objects objects(io, o, i % 4 == 0);
            error_code ignored;
            rill::cancellation_signal* const by_other = o.signal(random());
            for (int action = 0; action < 6; ++action) {
                switch (random() % 12) {
                case 0: other.emit(by_other); break;
                case 1: other.emit(o.signal(random())); break;
                case 2: o.signal(random())->emit(rill::cancellation_type::total); break;
                case 3: objects.second.write_some(buffer("x", 1), ignored); break;
                case 4: drain(objects.second); break;
                case 5:
                    if (objects.first)
                        objects.first->cancel();
                    break;
                case 6:
                    if (objects.first)
                        objects.first->close();
                    objects.first.reset();
                    break;
                case 7:
                    if (objects.acceptor)
                        objects.acceptor->cancel();
                    break;
                case 8: objects.acceptor.reset(); break;
                case 9:
                    if (objects.client)
                        objects.client->close();
                    objects.client.reset();
                    break;
                case 10:
                    if (objects.timer)
                        objects.timer->expires_after(10us);
                    break;
                default: objects.timer.reset(); break;
                }
            }
            objects.first.reset();
            objects.acceptor.reset();
            objects.client.reset();
            objects.timer.reset();
            all_once = o.wait();
            other.rest();
        }
    }
    CHECK(all_once);
}

}  // namespace

TEST_CASE("operations that are cancelled, closed and destroyed while they run complete once", "[io][races]") {
    SECTION("solo") { race(solo, 1); }
    SECTION("shared, one thread") { race(shared, 1); }
    SECTION("shared, three threads") { race(shared, 3); }
}

TEST_CASE("a context that dies with operations in all states calls no handler and loses none", "[io][races]") {
    const int hint = GENERATE(solo, shared);
    auto life = std::make_shared<int>();
    rounds to_go;
    for (int i = 0; to_go.next(); ++i) {
        rill::cancellation_signal signals[2];
        std::optional<local::socket> first, second;
        std::optional<rill::steady_timer> timer;
        char data[4];
        {
            rill::io_context io(hint);
            first.emplace(io);
            second.emplace(io);
            timer.emplace(io, 10us);
            rill::local::connect_pair(*first, *second);
            std::thread runner([&] { io.run(); });
            for (int n = 0; n < 3; ++n) {
                first->async_read_some(buffer(data, 1), [life](error_code, std::size_t) {});
                second->async_write_some(buffer("x", 1), [life](error_code, std::size_t) {});
            }
            first->async_read_some(buffer(data),
                                   rill::bind_cancellation_slot(signals[0].slot(), [life](error_code, std::size_t) {}));
            timer->async_wait(rill::bind_cancellation_slot(signals[1].slot(), [life](error_code) {}));
            if (i % 2)
                signals[0].emit(rill::cancellation_type::total);
            io.stop();
            if (i % 3)
                first->close();
            runner.join();
        }
        signals[0].emit(rill::cancellation_type::total);
        CHECK(life.use_count() == 1);
    }
}
