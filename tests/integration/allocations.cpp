// SPDX-License-Identifier: BSL-1.0
#include <rill/rill.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string_view>

// Counts what reaches the global heap. Under AddressSanitizer memory is not recycled, and there is nothing to count;
// clang's ThreadSanitizer has an operator new of its own, and does not yield it.

#if RILL_RECYCLES_MEMORY && !RILL_THREAD_SANITIZER

namespace {
std::atomic<long> allocations{0};
}

void* operator new(std::size_t size) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (void* p = std::malloc(size ? size : 1))
        return p;
    throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {

using socket_type = rill::local::stream_protocol::socket;

struct pair_of_sockets {
    explicit pair_of_sockets(rill::io_context& ctx) : a(ctx), b(ctx) { rill::local::connect_pair(a, b); }
    socket_type a, b;
};

constexpr int warm_up = 100, counted = 1000;

/// Passes one byte to and fro by callbacks.
struct ping_pong {
    pair_of_sockets& s;
    rill::cancellation_signal* signal;
    char byte = 0;
    int rounds = 0;
    long before = 0;

    void write() {
        if (rounds == warm_up)
            before = allocations;
        if (rounds++ == warm_up + counted) {
            before = allocations - before;
            return;
        }
        s.a.async_write_some(rill::buffer(&byte, 1), [this](rill::error_code, std::size_t) { read(); });
    }
    void read() {
        auto handler = [this](rill::error_code ec, std::size_t n) {
            if (!ec && n == 1)
                write();
        };
        if (signal)
            s.b.async_read_some(rill::buffer(&byte, 1), rill::bind_cancellation_slot(signal->slot(), handler));
        else
            s.b.async_read_some(rill::buffer(&byte, 1), handler);
    }
};

rill::awaitable<void> ping_pong_coroutine(pair_of_sockets& s, long& result) {
    char byte = 0;
    long before = 0;
    for (int i = 0; i < warm_up + counted; ++i) {
        if (i == warm_up)
            before = allocations;
        co_await s.a.async_write_some(rill::buffer(&byte, 1), rill::use_awaitable);
        co_await s.b.async_read_some(rill::buffer(&byte, 1), rill::deferred);
        co_await rill::async_write(s.b, rill::buffer(&byte, 1), rill::deferred);
        co_await rill::async_read(s.a, rill::buffer(&byte, 1), rill::use_awaitable);
    }
    result = allocations - before;
}

rill::awaitable<void> nested(int depth) {
    if (depth > 0)
        co_await nested(depth - 1);
}

/// Whether the kernel's part is played by this program, which then allocates too.
bool is_emulated() { return rill::io_context().backend_name() == std::string_view("kqueue"); }

}  // namespace

TEST_CASE("reads and writes with callbacks reach the heap never, with and without a slot", "[allocations]") {
    if (is_emulated())
        return;
    bool with_slot = GENERATE(false, true);
    int hint = GENERATE(1, 2);
    rill::io_context ctx(hint);
    pair_of_sockets s(ctx);
    rill::cancellation_signal signal;
    ping_pong game{s, with_slot ? &signal : nullptr};
    game.write();
    ctx.run();
    CHECK(game.rounds == warm_up + counted + 1);
    CHECK(game.before == 0);
}

TEST_CASE("awaited reads and writes reach the heap never, with and without a slot", "[allocations]") {
    if (is_emulated())
        return;
    bool with_slot = GENERATE(false, true);
    rill::io_context ctx(1);
    pair_of_sockets s(ctx);
    rill::cancellation_signal signal;
    long result = -1;
    if (with_slot)
        co_spawn(ctx, ping_pong_coroutine(s, result), rill::bind_cancellation_slot(signal.slot(), rill::detached));
    else
        co_spawn(ctx, ping_pong_coroutine(s, result), rill::detached);
    ctx.run();
    CHECK(result == 0);
}

TEST_CASE("deadlines reach the heap never, met or not", "[allocations]") {
    if (is_emulated())
        return;
    using namespace std::chrono_literals;
    int hint = GENERATE(1, 2);
    rill::io_context ctx(hint);
    pair_of_sockets s(ctx);
    rill::steady_timer timer(ctx);
    long result = -1, before = 0;
    int missed = 0;
    co_spawn(
        ctx,
        [&]() -> rill::awaitable<void> {
            char byte = 0;
            for (int i = 0; i < warm_up + counted; ++i) {
                if (i == warm_up)
                    before = allocations;
                co_await s.a.async_write_some(rill::buffer(&byte, 1), rill::cancel_after(1h));
                co_await rill::async_read(s.b, rill::buffer(&byte, 1), rill::timeout_after(1h));
                co_await s.a.async_write_some(rill::buffer(&byte, 1), rill::deferred);
                co_await s.b.async_read_some(rill::buffer(&byte, 1), rill::cancel_after(timer, 1h));
                auto [ec, n] =
                    co_await s.b.async_read_some(rill::buffer(&byte, 1), rill::timeout_after(0s, rill::as_tuple));
                missed += ec == rill::error::timed_out;
            }
            result = allocations - before;
        },
        rill::detached);
    ctx.run();
    CHECK(result == 0);
    CHECK(missed == warm_up + counted);
}

TEST_CASE("timers, posts, spawned coroutines and nested awaits reach the heap never", "[allocations]") {
    if (is_emulated())
        return;
    rill::io_context ctx(1);
    rill::steady_timer timer(ctx);
    long result = -1, before = 0;
    co_spawn(
        ctx,
        [&]() -> rill::awaitable<void> {
            for (int i = 0; i < warm_up + counted; ++i) {
                if (i == warm_up)
                    before = allocations;
                timer.expires_after(std::chrono::nanoseconds(1));
                co_await timer.async_wait(rill::deferred);
                co_await post(ctx, rill::deferred);
                co_await nested(5);
                co_spawn(ctx, nested(3), rill::detached);
            }
            result = allocations - before;
        },
        rill::detached);
    ctx.run();
    CHECK(result == 0);
}

#endif
