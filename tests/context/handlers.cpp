// SPDX-License-Identifier: BSL-1.0
#include <rill/context/io_context.hpp>

#include <rill/context/executor_work_guard.hpp>
#include <rill/core/cancellation_signal.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/post.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

// What a handler may do to the context that runs it, and to other objects.

using namespace std::chrono_literals;
using rill::io_context;
using rill::local::stream_protocol;

namespace {

/// A context with something of each kind to do: two posted functions around the handler under test, and a wait, a read
/// and a cancellable wait that do not end by themselves.
struct scene {
    explicit scene(int hint)
        : ctx(hint), timer(std::in_place, ctx, 1h), signalled(ctx, 1h), socket(std::in_place, ctx), peer(ctx) {
        rill::local::connect_pair(*socket, peer);
        timer->async_wait([this](rill::error_code ec) { aborted_wait += ec == rill::error::operation_aborted; });
        socket->async_read_some(rill::buffer(&byte, 1), [this](rill::error_code ec, std::size_t) {
            aborted_read += ec == rill::error::operation_aborted;
        });
        signalled.async_wait(rill::bind_cancellation_slot(signal->slot(), [this](rill::error_code ec) {
            aborted_signalled += ec == rill::error::operation_aborted;
        }));
    }

    /// Ends what does not end by itself.
    void end_all() {
        timer.reset();
        socket.reset();
        signalled.cancel();
    }

    std::unique_ptr<rill::cancellation_signal> signal = std::make_unique<rill::cancellation_signal>();
    io_context ctx;
    std::optional<rill::steady_timer> timer;
    rill::steady_timer signalled;
    std::optional<stream_protocol::socket> socket;
    stream_protocol::socket peer;
    char byte = 0;
    int before = 0, after = 0, acted = 0, extra = 0;
    int aborted_wait = 0, aborted_read = 0, aborted_signalled = 0;
};

struct deed {
    const char* name;
    void (*act)(scene&);
    bool throws = false;
    bool stops = false;
};

const deed deeds[] = {
    {"does nothing", [](scene&) {}},
    {"stops", [](scene& s) { s.ctx.stop(); }, false, true},
    {"stops and restarts",
     [](scene& s) {
         s.ctx.stop();
         s.ctx.restart();
     }},
    {"throws", [](scene&) { throw std::runtime_error("handler"); }, true},
    {"stops and throws",
     [](scene& s) {
         s.ctx.stop();
         throw std::runtime_error("handler");
     },
     true, true},
    {"posts", [](scene& s) { rill::post(s.ctx, [&s] { ++s.extra; }); }},
    {"polls one", [](scene& s) { s.ctx.poll_one(); }},
    {"polls", [](scene& s) { s.ctx.poll(); }},
    {"runs one",
     [](scene& s) {
         rill::post(s.ctx, [&s] { ++s.extra; });
         if (s.ctx.run_one() != 1)
             s.extra = -100;
     }},
    {"runs for no time", [](scene& s) { s.ctx.run_for(0s); }},
    {"runs one that stops",
     [](scene& s) {
         rill::post(s.ctx, [&s] { s.ctx.stop(); });
         s.ctx.run();
         if (!s.ctx.stopped())
             s.extra = -100;
     },
     false, true},
    {"polls what throws",
     [](scene& s) {
         rill::post(s.ctx, [] { throw std::runtime_error("nested"); });
         s.ctx.poll();
     },
     true},
    {"catches what it polls",
     [](scene& s) {
         rill::post(s.ctx, [] { throw std::runtime_error("nested"); });
         try {
             s.ctx.poll();
             s.extra = -100;
         } catch (const std::runtime_error&) {
         }
     }},
    {"polls what polls",
     [](scene& s) {
         rill::post(s.ctx, [&s] {
             rill::post(s.ctx, [&s] { s.ctx.poll(); });
             s.ctx.poll();
         });
         s.ctx.poll();
     }},
    {"destroys a timer", [](scene& s) { s.timer.reset(); }},
    {"destroys a socket", [](scene& s) { s.socket.reset(); }},
    {"destroys a socket and makes another",
     [](scene& s) {
         s.socket.reset();
         s.socket.emplace(s.ctx);
         stream_protocol::socket other(s.ctx);
         rill::local::connect_pair(*s.socket, other);
     }},
    {"emits", [](scene& s) { s.signal->emit(rill::cancellation_type::total); }},
    {"destroys a signal", [](scene& s) { s.signal.reset(); }},
    {"moves a socket that reads",
     [](scene& s) {
         stream_protocol::socket moved(std::move(*s.socket));
         s.socket.emplace(std::move(moved));
     }},
    {"destroys another context with work in it",
     [](scene& s) {
         io_context other;
         rill::steady_timer timer(other, 1h);
         timer.async_wait([&s](rill::error_code) { s.extra = -100; });
         rill::post(other, [&s, guard = rill::make_work_guard(s.ctx)] { s.extra = -100; });
     }},
    {"runs another context",
     [](scene& s) {
         io_context other(1);
         rill::steady_timer timer(other, 0s);
         timer.async_wait([&s](rill::error_code) { s.timer->cancel(); });
         if (other.run() != 1)
             s.extra = -100;
     }},
    {"runs another context that throws",
     [](scene&) {
         io_context other;
         rill::post(other, [] { throw std::runtime_error("other"); });
         other.run();
     },
     true},
};

/// What the handler is one of.
enum class origin { posted, wait, transfer };

void start_deed(scene& s, const deed& d, origin from, rill::steady_timer& now) {
    const auto act = [&s, &d] {
        ++s.acted;
        d.act(s);
    };
    switch (from) {
    case origin::posted: rill::post(s.ctx, act); break;
    case origin::wait: now.async_wait([act](rill::error_code) { act(); }); break;
    case origin::transfer:
        s.peer.async_write_some(rill::buffer(&s.byte, 0), [act](rill::error_code, std::size_t) { act(); });
        break;
    }
}

}  // namespace

TEST_CASE("whatever a handler does, run() goes on or can be called again, and nothing is lost or comes twice",
          "[context][io_context]") {
    const int hint = GENERATE(1, 2);
    const origin from = GENERATE(origin::posted, origin::wait, origin::transfer);
    for (const deed& d : deeds) {
        CAPTURE(hint, int(from), d.name);
        scene s(hint);
        rill::steady_timer now(s.ctx, 0s);
        std::optional guard(rill::make_work_guard(s.ctx));
        rill::post(s.ctx, [&s] { ++s.before; });
        start_deed(s, d, from, now);
        rill::post(s.ctx, [&s] { ++s.after; });
        // Until the handler has run. It may be the last of several.
        bool threw = false;
        while (s.acted == 0 && !threw) {
            try {
                s.ctx.run_one();
            } catch (const std::runtime_error&) {
                threw = true;
            }
        }
        CHECK(threw == d.throws);
        CHECK(s.ctx.stopped() == d.stops);
        if (d.stops) {
            CHECK(s.ctx.poll() == 0);
            s.ctx.restart();
        }
        s.ctx.poll();
        CHECK_FALSE(s.ctx.stopped());
        guard.reset();
        s.end_all();
        s.ctx.run();
        CHECK(s.ctx.stopped());
        CHECK(s.before == 1);
        CHECK(s.acted == 1);
        CHECK(s.after == 1);
        CHECK(s.aborted_wait == 1);
        CHECK(s.aborted_read == 1);
        CHECK(s.aborted_signalled == 1);
        CHECK(s.extra >= 0);
    }
}

TEST_CASE("run() that a handler leaves by an exception may be called again at once", "[context][io_context]") {
    const int hint = GENERATE(1, 2);
    for (const deed& d : deeds) {
        CAPTURE(hint, d.name);
        scene s(hint);
        rill::post(s.ctx, [&s] { ++s.before; });
        rill::post(s.ctx, [&s, &d] {
            ++s.acted;
            d.act(s);
        });
        rill::post(s.ctx, [&s] {
            ++s.after;
            s.end_all();
        });
        bool threw = false, stopped = false;
        for (bool over = false; !over;) {
            try {
                s.ctx.run();
                stopped = s.after == 0;
                over = !stopped;
                if (stopped)
                    s.ctx.restart();
            } catch (const std::runtime_error&) {
                threw = true;
                if (s.ctx.stopped())
                    s.ctx.restart();
            }
        }
        s.ctx.restart();
        s.ctx.run();
        CHECK(threw == d.throws);
        CHECK(s.before + s.acted + s.after == 3);
        CHECK(s.aborted_wait + s.aborted_read + s.aborted_signalled == 3);
        CHECK(s.extra >= 0);
    }
}

TEST_CASE("an exception leaves the run() of the thread that it was thrown on, and no other", "[context][io_context]") {
    io_context ctx;
    constexpr int functions = 2000, threads_count = 3;
    std::atomic<int> ran{0}, caught{0};
    for (int i = 0; i < functions; ++i)
        rill::post(ctx, [&ran, i] {
            ++ran;
            if (i % 10 == 0)
                throw i;
        });
    std::vector<std::thread> threads;
    for (int t = 0; t < threads_count; ++t)
        threads.emplace_back([&] {
            for (;;) {
                try {
                    ctx.run();
                    return;
                } catch (int) {
                    ++caught;
                }
            }
        });
    for (auto& t : threads)
        t.join();
    CHECK(ran == functions);
    CHECK(caught == functions / 10);
    CHECK(ctx.stopped());
}

TEST_CASE("a handler's exception on one thread leaves the waits of the others as they are", "[context][io_context]") {
    // Whoever watches the driver may be the one that throws: someone must go on watching.
    io_context ctx;
    rill::steady_timer timer(ctx);
    std::atomic<int> fired{0}, caught{0};
    std::vector<std::thread> threads;
    std::optional guard(rill::make_work_guard(ctx));
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            for (;;) {
                try {
                    ctx.run();
                    return;
                } catch (int) {
                    ++caught;
                }
            }
        });
    struct again {
        rill::steady_timer& timer;
        std::atomic<int>& fired;
        std::optional<rill::executor_work_guard<io_context::executor_type>>& guard;
        void operator()(rill::error_code) {
            if (++fired == 100) {
                guard.reset();
                return;
            }
            timer.expires_after(std::chrono::microseconds(10));
            timer.async_wait(*this);
            throw 1;
        }
    };
    timer.expires_after(0s);
    timer.async_wait(again{timer, fired, guard});
    for (auto& t : threads)
        t.join();
    CHECK(fired == 100);
    CHECK(caught == 99);
}
