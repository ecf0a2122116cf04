// SPDX-License-Identifier: BSL-1.0
#include <rill/operation/operation.hpp>

#include <rill/context/io_context.hpp>
#include <rill/local/stream_protocol.hpp>

#include <support/bare_sockets.hpp>
#include <support/catch.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using rill::cancellation_signal;
using rill::cancellation_slot;
using rill::cancellation_type;
using rill::error_code;
using rill::io_context;
namespace error = rill::error;
namespace execution = rill::execution;

namespace {

using socket_type = rill::local::stream_protocol::socket;

int any_hint() { return GENERATE(1, 2); }

/// A socket of ours, and the bare end of its peer.
struct connection {
    explicit connection(io_context& ctx) : socket(ctx) {
        bare::handle ends[2];
        REQUIRE(bare::open_pair(ends));
        socket.assign(rill::local::stream_protocol(), ends[0]);
        peer = ends[1];
    }
    connection(const connection&) = delete;
    ~connection() { bare::close(peer); }
    void peer_sends(const std::string& text) const {
        if (bare::send(peer, text.data(), text.size()) != static_cast<std::ptrdiff_t>(text.size()))
            throw std::runtime_error("send");
    }
    socket_type socket;
    bare::handle peer;
};

template <class Function>
void post(io_context& ctx, Function f) {
    rill::require(ctx.get_executor(), execution::blocking.never).execute(std::move(f));
}

auto tracked(io_context& ctx) { return rill::require(ctx.get_executor(), execution::outstanding_work.tracked); }
using tracked_executor = decltype(tracked(std::declval<io_context&>()));

struct result {
    int calls = 0;
    error_code ec;
    std::size_t bytes = 0;
    void operator()(const error_code& e, std::size_t n) {
        ++calls;
        ec = e;
        bytes = n;
    }
};

/// Notes what it is called with. Copies that have been moved from do not count.
struct noting {
    explicit noting(result& r) : to(&r) {}
    void operator()(const error_code& ec, std::size_t n) { (*to)(ec, n); }
    result* to;
};

template <class Handler>
struct with_slot : Handler {
    using cancellation_slot_type = cancellation_slot;
    with_slot(cancellation_slot s, Handler h) : Handler(std::move(h)), slot(s) {}
    cancellation_slot get_cancellation_slot() const noexcept { return slot; }
    cancellation_slot slot;
};

template <class Executor, class Handler>
struct with_executor : Handler {
    using executor_type = Executor;
    with_executor(Executor e, Handler h) : Handler(std::move(h)), executor(std::move(e)) {}
    const Executor& get_executor() const noexcept { return executor; }
    Executor executor;
};

template <class Executor, class Handler>
struct with_immediate_executor : Handler {
    using immediate_executor_type = Executor;
    with_immediate_executor(Executor e, Handler h) : Handler(std::move(h)), immediate(std::move(e)) {}
    const Executor& get_immediate_executor() const noexcept { return immediate; }
    Executor immediate;
};

/// Calls a function, which only has to be movable.
template <class Function>
struct calling {
    explicit calling(Function f) : function(std::move(f)) {}
    void operator()(const error_code& ec, std::size_t n) { std::move(function)(ec, n); }
    Function function;
};

/// Runs every function inside execute().
struct inline_executor {
    io_context* context;
    int* executed;
    template <class Function>
    void execute(Function&& f) const {
        ++*executed;
        auto function = std::forward<Function>(f);
        std::move(function)();
    }
    io_context& query(execution::context_t) const noexcept { return *context; }
    [[maybe_unused]] friend bool operator==(const inline_executor&, const inline_executor&) = default;
};

/// One block of memory, as a coroutine has it: throws when it is taken twice.
struct single_block {
    alignas(std::max_align_t) unsigned char bytes[1024];
    bool taken = false;
    int times = 0;
};

template <class T>
struct block_allocator {
    using value_type = T;
    explicit block_allocator(single_block& b) : block(&b) {}
    template <class U>
    block_allocator(const block_allocator<U>& other) : block(other.block) {}
    T* allocate(std::size_t n) {
        if (block->taken || n * sizeof(T) > sizeof(block->bytes))
            throw std::bad_alloc();
        block->taken = true;
        ++block->times;
        return reinterpret_cast<T*>(block->bytes);
    }
    void deallocate(T*, std::size_t) { block->taken = false; }
    friend bool operator==(const block_allocator&, const block_allocator&) = default;
    single_block* block;
};

template <class Handler>
struct with_block : Handler {
    using allocator_type = block_allocator<void>;
    with_block(single_block& b, Handler h) : Handler(std::move(h)), block(&b) {}
    allocator_type get_allocator() const noexcept { return block_allocator<void>(*block); }
    single_block* block;
};

}  // namespace

// -- completing

TEST_CASE("an operation completes in run(), never in the call that starts it", "[operation]") {
    io_context ctx(any_hint());
    connection c(ctx);
    result r;
    char data[3];
    c.peer_sends("abc");
    c.socket.async_read_some(rill::buffer(data), noting(r));
    CHECK(r.calls == 0);
    CHECK(ctx.run() == 1);
    CHECK(r.calls == 1);
    CHECK_FALSE(r.ec);
    CHECK(r.bytes == 3);

    ctx.restart();
    int depth = 0, deepest = 0, reads = 0;
    c.peer_sends(std::string(100, 'x'));
    std::function<void()> read = [&] {
        c.socket.async_read_some(rill::buffer(data, 1), [&](error_code, std::size_t) {
            deepest = std::max(deepest, ++depth);
            if (++reads < 100)
                read();
            --depth;
        });
    };
    read();
    CHECK(ctx.run() == 100);
    CHECK(deepest == 1);
}

TEST_CASE("an operation on a closed socket reports it through its handler", "[operation]") {
    io_context ctx(any_hint());
    socket_type closed(ctx);
    result r;
    char data[3];
    cancellation_signal signal;
    closed.async_read_some(rill::buffer(data), with_slot(signal.slot(), noting(r)));
    signal.emit(cancellation_type::all);
    CHECK(r.calls == 0);
    CHECK(ctx.run() == 1);
    CHECK(r.ec == error::bad_descriptor);
    CHECK_FALSE(signal.slot().has_handler());
}

TEST_CASE("an operation may be started from another thread, running or not", "[operation]") {
    io_context ctx(any_hint());
    connection c(ctx);
    result r;
    char data[3];
    std::thread([&] { c.socket.async_read_some(rill::buffer(data), noting(r)); }).join();
    c.peer_sends("abc");
    ctx.run();
    CHECK(r.bytes == 3);
    ctx.restart();
    auto work = std::make_unique<tracked_executor>(tracked(ctx));
    std::atomic<int> reads{0};
    std::thread runner([&] { ctx.run(); });
    for (int i = 0; i < 200; ++i) {
        c.socket.async_read_some(rill::buffer(data), [&](error_code, std::size_t) { ++reads; });
        c.peer_sends("abc");
        soon([&] { return reads > i; });
    }
    work.reset();
    runner.join();
    CHECK(reads == 200);
}

TEST_CASE("a handler's exception leaves run(), and its operation is gone", "[operation]") {
    io_context ctx(any_hint());
    connection c(ctx);
    char data[3];
    single_block block;
    c.peer_sends("abc");
    auto throws = [](error_code, std::size_t) { throw std::runtime_error("handler"); };
    c.socket.async_read_some(rill::buffer(data), with_block(block, calling(throws)));
    CHECK(block.taken);
    CHECK_THROWS_AS(ctx.run(), std::runtime_error);
    CHECK_FALSE(block.taken);
    CHECK(ctx.run() == 0);
}

// -- memory

TEST_CASE("the memory of an operation is free again when its handler runs", "[operation]") {
    io_context ctx(any_hint());
    connection c(ctx);
    single_block block;
    int reads = 0;
    bool was_free = true;
    char data;
    std::function<void()> read = [&] {
        auto then = [&, owned = std::make_unique<int>(1)](error_code, std::size_t) {
            was_free &= !block.taken;
            reads += *owned;
            if (reads < 10)
                read();  // in the same block
        };
        c.socket.async_read_some(rill::buffer(&data, 1), with_block(block, calling(std::move(then))));
    };
    c.peer_sends("0123456789");
    read();
    CHECK(ctx.run() == 10);
    CHECK(was_free);
    CHECK(block.times == 10);
}

TEST_CASE("an operation for which there is no memory is not started", "[operation]") {
    io_context ctx(any_hint());
    connection c(ctx);
    single_block block;
    result r;
    char data;
    block.taken = true;
    c.peer_sends("a");
    CHECK_THROWS_AS(c.socket.async_read_some(rill::buffer(&data, 1), with_block(block, noting(r))), std::bad_alloc);
    CHECK(ctx.run() == 0);
    CHECK(r.calls == 0);
}

// -- executors

TEST_CASE("a handler runs on its associated executor, whose context waits for it", "[operation]") {
    io_context ctx(any_hint()), other(GENERATE(1, 2));
    connection c(ctx);
    result r;
    char data[3];
    auto then = [&](error_code ec, std::size_t n) {
        CHECK(other.get_executor().running_in_this_thread());
        r(ec, n);
    };
    const bool erased = GENERATE(false, true);
    if (erased)
        c.socket.async_read_some(rill::buffer(data),
                                 with_executor(rill::any_io_executor(other.get_executor()), calling(then)));
    else
        c.socket.async_read_some(rill::buffer(data), with_executor(other.get_executor(), calling(then)));
    CHECK(other.poll() == 0);
    CHECK_FALSE(other.stopped());
    c.peer_sends("abc");
    CHECK(ctx.run() == 1);
    CHECK(r.calls == 0);
    CHECK(other.run() == 1);
    CHECK(r.calls == 1);
    CHECK(r.bytes == 3);
    CHECK(other.stopped());
}

TEST_CASE("two contexts on two threads hand handlers to each other", "[operation]") {
    io_context first(any_hint()), second(GENERATE(1, 2));
    connection c(first);
    cancellation_signal signal;
    auto work = std::make_unique<tracked_executor>(tracked(first));
    auto more_work = std::make_unique<tracked_executor>(tracked(second));
    std::atomic<int> done{0};
    std::thread a([&] { first.run(); }), b([&] { second.run(); });
    char data;
    for (int i = 0; i < 300; ++i) {
        auto then = [&](error_code, std::size_t) { ++done; };
        auto handler = with_executor(second.get_executor(), with_slot(signal.slot(), calling(then)));
        c.socket.async_read_some(rill::buffer(&data, 1), std::move(handler));
        c.peer_sends("a");
        if (i % 2)
            signal.emit(cancellation_type::total);
        soon([&] { return done > i; });
    }
    work.reset();
    more_work.reset();
    a.join();
    b.join();
    CHECK(done == 300);
}

TEST_CASE("a handler is destroyed with the context on whose executor it should have run", "[operation]") {
    char data[3];
    io_context ctx(any_hint());
    auto owned = std::make_shared<int>();
    connection c(ctx);
    {
        io_context other(GENERATE(1, 2));
        for (int i = 0; i < 2; ++i)
            c.socket.async_read_some(
                rill::buffer(data),
                with_executor(other.get_executor(), calling([owned](error_code, std::size_t) { FAIL("called"); })));
        c.peer_sends("abc");
        CHECK(ctx.run_one() == 1);  // the first has gone over, the second still reads
        CHECK(owned.use_count() == 3);
    }
    CHECK(owned.use_count() == 2);
}

TEST_CASE("an operation that is done at once goes to the immediate executor", "[operation]") {
    io_context ctx(any_hint());
    connection c(ctx);
    int executed = 0;
    result r, later;
    char data[3];
    cancellation_signal signal;
    c.peer_sends("abc");
    c.socket.async_read_some(rill::buffer(data), with_immediate_executor(inline_executor{&ctx, &executed}, noting(r)));
    if (r.calls == 0)  // a solo loop that nobody runs has not tried yet
        ctx.run();
    CHECK(r.calls == 1);
    CHECK(r.bytes == 3);

    executed = 0;
    ctx.restart();
    post(ctx, [&] {
        c.peer_sends("abc");
        c.socket.async_read_some(rill::buffer(data), with_immediate_executor(inline_executor{&ctx, &executed},
                                                                             with_slot(signal.slot(), noting(r))));
        CHECK(r.calls == 2);
        CHECK(executed == 1);
        CHECK_FALSE(signal.slot().has_handler());
        c.socket.async_read_some(rill::buffer(data),
                                 with_immediate_executor(inline_executor{&ctx, &executed}, noting(later)));
        CHECK(later.calls == 0);
        c.peer_sends("de");
    });
    CHECK(ctx.run() == 2);
    CHECK(executed == 1);
    CHECK(later.bytes == 2);
}

TEST_CASE("an immediate completion outside run() does not stop the context", "[operation]") {
    io_context ctx(any_hint());
    connection c(ctx);
    int executed = 0;
    result first, second;
    char data[3];
    c.peer_sends("abc");
    c.socket.async_read_some(rill::buffer(data),
                             with_immediate_executor(inline_executor{&ctx, &executed}, noting(first)));
    c.socket.async_read_some(rill::buffer(data), noting(second));
    c.peer_sends("de");
    ctx.run();
    CHECK(first.calls == 1);
    CHECK(second.calls == 1);
}

// -- cancelling

TEST_CASE("a slot cancels the operation it belongs to, and no other", "[operation][cancellation]") {
    io_context ctx(any_hint());
    connection c(ctx);
    cancellation_signal signals[3];
    result results[3];
    char data[3];
    for (std::size_t i = 0; i < 3; ++i)
        c.socket.async_read_some(rill::buffer(&data[i], 1), with_slot(signals[i].slot(), noting(results[i])));
    ctx.poll();
    const auto type = GENERATE(cancellation_type::terminal, cancellation_type::partial, cancellation_type::total);
    if (GENERATE(false, true))
        std::thread([&] { signals[1].emit(type); }).join();
    else
        signals[1].emit(type);
    CHECK(results[1].calls == 0);
    ctx.poll();
    CHECK(results[1].calls == 1);
    CHECK(results[1].ec == error::operation_aborted);
    CHECK(results[1].bytes == 0);
    CHECK_FALSE(signals[1].slot().has_handler());
    CHECK(signals[0].slot().has_handler());
    signals[1].emit(cancellation_type::all);
    c.peer_sends("ab");
    ctx.run();
    CHECK(results[0].bytes == 1);
    CHECK(results[2].bytes == 1);
    CHECK(data[0] == 'a');
    CHECK(data[2] == 'b');
    CHECK_FALSE(signals[0].slot().has_handler());
}

TEST_CASE("a request for no known guarantee cancels nothing", "[operation][cancellation]") {
    io_context ctx(any_hint());
    connection c(ctx);
    cancellation_signal signal;
    result r;
    char data;
    c.socket.async_read_some(rill::buffer(&data, 1), with_slot(signal.slot(), noting(r)));
    signal.emit(cancellation_type::none);
    signal.emit(static_cast<cancellation_type>(8));
    ctx.poll();
    CHECK(r.calls == 0);
    c.peer_sends("a");
    ctx.run();
    CHECK_FALSE(r.ec);
}

TEST_CASE("an operation whose signal has died completes as if it had none", "[operation][cancellation]") {
    io_context ctx(any_hint());
    connection c(ctx);
    auto signal = std::make_unique<cancellation_signal>();
    result r;
    char data;
    c.socket.async_read_some(rill::buffer(&data, 1), with_slot(signal->slot(), noting(r)));
    ctx.poll();
    signal.reset();
    c.peer_sends("a");
    ctx.run();
    CHECK(r.bytes == 1);
}

TEST_CASE("cancellation and completion from several threads: one winner, and no byte is lost",
          "[operation][cancellation]") {
    const int hint = any_hint();
    const bool start_inside = GENERATE(true, false);
    constexpr int rounds = 700;
    io_context ctx(hint);
    connection c(ctx);
    cancellation_signal signal;
    auto work = std::make_unique<tracked_executor>(tracked(ctx));
    std::vector<std::thread> threads;
    for (int i = 0; i < hint; ++i)
        threads.emplace_back([&] { ctx.run(); });
    std::atomic<int> round{0}, emitted{0}, completed{0};
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            for (int seen = 0; seen < rounds;) {
                if (!soon([&] { return round > seen; }))
                    return;
                ++seen;
                signal.emit(cancellation_type::total);
                ++emitted;
            }
        });
    std::size_t received = 0;  // of the handlers, one after the other
    std::size_t taken = 0;     // between them
    std::atomic<int> aborted{0}, odd{0};
    char data[rounds];
    bool stuck = false;
    for (int i = 0; i < rounds && !stuck; ++i) {
        auto read = [&] {
            auto then = [&](error_code ec, std::size_t n) {
                received += n;
                aborted += ec == error::operation_aborted;
                odd += ec ? n != 0 || ec != error::operation_aborted : n == 0;
                ++completed;
            };
            c.socket.async_read_some(rill::buffer(data), with_slot(signal.slot(), calling(then)));
        };
        if (i % 4 == 0)
            ++round;  // before, at, or after the start
        if (start_inside)
            post(ctx, read);
        else
            read();
        if (i % 4 != 0)
            ++round;
        if (i % 3 == 0)
            std::this_thread::yield();
        c.peer_sends("a");
        stuck = !soon([&] { return completed > i && emitted >= 2 * (i + 1); });
        // What aborted reads leave must not fill the socket, or its peer waits for ever.
        if (i % 50 == 49 && !stuck)
            while (c.socket.available() != 0)
                taken += c.socket.read_some(rill::buffer(data));
    }
    // Whatever the aborted reads left is still there.
    work.reset();
    for (auto& t : threads)
        t.join();
    CHECK_FALSE(stuck);
    CHECK(completed == rounds);
    CHECK(odd == 0);
    std::size_t left = 0;
    c.peer_sends("z");
    c.socket.non_blocking(true);
    error_code ec;
    while (const auto n = c.socket.read_some(rill::buffer(data), ec))
        left += n;
    CHECK(received + taken + left == rounds + 1);
    CHECK(aborted <= rounds);
    CHECK_FALSE(signal.slot().has_handler());
}

TEST_CASE("close() on the object's thread races with the completion and with cancellation",
          "[operation][cancellation]") {
    const int hint = any_hint();
    io_context ctx(hint);
    auto work = std::make_unique<tracked_executor>(tracked(ctx));
    std::vector<std::thread> threads;
    for (int i = 0; i < hint; ++i)
        threads.emplace_back([&] { ctx.run(); });
    int wrong = 0;
    for (int i = 0; i < 300; ++i) {
        std::atomic<int> completed{0}, odd{0};
        cancellation_signal signal;
        char data[4];
        {
            connection c(ctx);
            for (auto& d : data)
                c.socket.async_read_some(rill::buffer(&d, 1),
                                         with_slot(signal.slot(), calling([&](error_code ec, std::size_t n) {
                                                       odd += ec ? n != 0 : n != 1;
                                                       ++completed;
                                                   })));
            std::thread canceller([&] { signal.emit(cancellation_type::terminal); });
            c.peer_sends(i % 2 ? "ab" : "a");
            if (i % 3 == 0)
                c.socket.cancel();
            c.socket.close();
            canceller.join();
        }
        wrong += !soon([&] { return completed == 4; });
        wrong += odd;
    }
    work.reset();
    for (auto& t : threads)
        t.join();
    CHECK(wrong == 0);
}

// -- destruction

TEST_CASE("handlers of pending operations are destroyed with the context, not called", "[operation]") {
    const int hint = any_hint();
    auto owned = std::make_shared<int>();
    cancellation_signal signal;
    char data[4];
    std::optional<socket_type> socket;
    {
        io_context ctx(hint);
        connection c(ctx);
        const auto handler = [owned](error_code, std::size_t) { FAIL("called"); };
        for (int i = 0; i < 3; ++i)
            c.socket.async_read_some(rill::buffer(data), handler);
        c.socket.async_read_some(rill::buffer(data), with_slot(signal.slot(), calling(handler)));
        if (GENERATE(false, true))
            ctx.poll();
        c.socket.async_write_some(rill::buffer("abc", 3), handler);  // done, but not delivered
        signal.emit(cancellation_type::all);                         // on its way
        socket.emplace(std::move(c.socket));
    }
    CHECK(owned.use_count() == 1);
    CHECK_FALSE(signal.slot().has_handler());
    CHECK(socket->is_open());
    socket->close();  // after its context
}

TEST_CASE("a handler may own its socket, its signal and a guard of its context", "[operation]") {
    const int hint = any_hint();
    std::weak_ptr<cancellation_signal> signal;
    bare::handle peer;
    char data;
    {
        io_context ctx(hint);
        bare::handle ends[2];
        REQUIRE(bare::open_pair(ends));
        peer = ends[1];
        auto socket = std::make_unique<socket_type>(ctx, rill::local::stream_protocol(), ends[0]);
        auto owned_signal = std::make_shared<cancellation_signal>();
        signal = owned_signal;
        auto& s = *socket;
        auto then = [socket = std::move(socket), owned_signal, guard = tracked(ctx)](error_code, std::size_t) {
            FAIL("called");
        };
        s.async_read_some(rill::buffer(&data, 1), with_slot(owned_signal->slot(), calling(std::move(then))));
        owned_signal.reset();
        if (GENERATE(false, true))
            ctx.poll();
        CHECK_FALSE(signal.expired());
    }
    CHECK(signal.expired());
    CHECK(bare::receive(peer, &data, 1) == 0);  // the socket is closed
    bare::close(peer);
}

TEST_CASE("a handler that is destroyed may close, cancel, start and emit", "[operation]") {
    const int hint = any_hint();
    std::optional<connection> closed, cancelled, started;
    cancellation_signal signal;
    result r;
    char data;
    auto owned = std::make_shared<int>();
    {
        io_context ctx(hint);
        for (auto* c : {&closed, &cancelled, &started})
            c->emplace(ctx);
        closed->socket.async_read_some(rill::buffer(&data, 1), noting(r));
        cancelled->socket.async_read_some(rill::buffer(&data, 1), with_slot(signal.slot(), noting(r)));
        const std::shared_ptr<void> at_end(nullptr, [&, owned](void*) {
            closed->socket.close();
            cancelled->socket.cancel();
            signal.emit(cancellation_type::all);
            started->socket.async_read_some(rill::buffer(&data, 1), [owned](error_code, std::size_t) {});
            started->socket.async_write_some(rill::buffer("a", 1), [owned](error_code, std::size_t) {});
        });
        started->socket.async_read_some(rill::buffer(&data, 1), [at_end](error_code, std::size_t) {});
        if (GENERATE(false, true))
            ctx.poll();
    }
    CHECK(r.calls == 0);
    CHECK(owned.use_count() == 1);
    CHECK_FALSE(closed->socket.is_open());
    started.reset();  // after its context
}

TEST_CASE("a signal is emitted on another thread while the context is destroyed", "[operation][cancellation]") {
    const int hint = any_hint();
    auto owned = std::make_shared<int>();
    char data[4];
    for (int i = 0; i < 300; ++i) {
        cancellation_signal signals[4];
        auto ctx = std::make_unique<io_context>(hint);
        connection c(*ctx);
        for (std::size_t k = 0; k < 4; ++k)
            c.socket.async_read_some(rill::buffer(&data[k], 1),
                                     with_slot(signals[k].slot(), calling([owned](error_code, std::size_t) {})));
        if (i % 2)
            ctx->poll();
        std::thread emitter([&] {
            for (auto& s : signals)
                s.emit(cancellation_type::all);
        });
        ctx.reset();
        emitter.join();
    }
    CHECK(owned.use_count() == 1);
}
