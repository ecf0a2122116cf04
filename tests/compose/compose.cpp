// SPDX-License-Identifier: BSL-1.0
#include <rill/compose/compose.hpp>

#include <rill/compose/read.hpp>
#include <rill/compose/write.hpp>
#include <rill/coroutine/awaitable.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/use_future.hpp>

#include <support/catch.hpp>

#include <compose/composition.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <tuple>

using rill::error_code;
using rill::local::stream_protocol;
using namespace std::chrono_literals;

namespace {

/// Sends back what comes, until there is no more. Says how much it was.
struct echo {
    stream_protocol::socket& socket;
    std::unique_ptr<std::array<char, 4>> data = std::make_unique<std::array<char, 4>>();
    std::size_t total = 0;
    enum { starting, reading, writing } state = starting;

    template <class Self>
    void operator()(Self& self, error_code ec = {}, std::size_t n = 0) {
        if (ec)
            return self.complete(ec == rill::error::eof ? error_code() : ec, total);
        const auto bytes = rill::buffer(*data);
        switch (state) {
        case starting:
        case writing:
            total += n;
            state = reading;
            return socket.async_read_some(bytes, std::move(self));
        case reading: state = writing; return rill::async_write(socket, rill::buffer(bytes, n), std::move(self));
        }
    }
};

template <class Token = rill::deferred_t>
auto async_echo(stream_protocol::socket& socket, Token&& token = {}) {
    return rill::async_compose<Token, void(error_code, std::size_t)>(echo{socket}, token, socket);
}

struct pair {
    rill::io_context context{1};
    stream_protocol::socket ours{context};
    stream_protocol::socket theirs{context};
    std::array<char, 10> back{};

    pair() { rill::local::connect_pair(ours, theirs); }

    /// The other side: sends ten bytes, takes them back and closes.
    void talk() {
        rill::async_write(theirs, rill::buffer("0123456789", 10), [this](error_code, std::size_t) {
            rill::async_read(theirs, rill::buffer(back), [this](error_code, std::size_t) { theirs.close(); });
        });
    }
};

}  // namespace

TEST_CASE("a protocol composed of reads and writes", "[compose][async_compose]") {
    pair p;
    p.talk();
    std::size_t total = 0;
    async_echo(p.ours, [&](error_code ec, std::size_t n) {
        CHECK(!ec);
        total = n;
    });
    p.context.run();
    CHECK(total == 10);
    CHECK(std::string(p.back.data(), 10) == "0123456789");
}

TEST_CASE("an operation that is composed has its result through every token", "[compose][async_compose]") {
    pair p;
    SECTION("use_future") {
        p.talk();
        auto future = async_echo(p.ours, rill::use_future);
        p.context.run();
        CHECK(future.get() == 10);
    }
    SECTION("as_tuple, deferred, by default, in a coroutine") {
        p.talk();
        bool done = false;
        co_spawn(
            p.context,
            [&]() -> rill::awaitable<void> {
                auto [ec, n] = co_await async_echo(p.ours, rill::as_tuple(rill::deferred));
                CHECK((!ec && n == 10));
                done = true;
            },
            [](std::exception_ptr e) { CHECK(!e); });
        p.context.run();
        CHECK(done);
    }
    SECTION("use_awaitable") {
        p.talk();
        auto future = co_spawn(p.context, async_echo(p.ours, rill::use_awaitable), rill::use_future);
        p.context.run();
        CHECK(future.get() == 10);
    }
}

TEST_CASE("a cancelled composition tells how far it came", "[compose][async_compose]") {
    pair p;
    rill::cancellation_signal signal;
    error_code ec;
    std::size_t total = 0;
    async_echo(p.ours, rill::bind_cancellation_slot(signal.slot(), [&](error_code e, std::size_t n) {
                   ec = e;
                   total = n;
               }));
    rill::async_write(p.theirs, rill::buffer("012", 3), [&](error_code, std::size_t) {
        rill::async_read(p.theirs, rill::buffer(p.back, 3), [&](error_code, std::size_t) {
            rill::post(p.context, [&] { signal.emit(rill::cancellation_type::terminal); });
        });
    });
    p.context.run();
    CHECK(ec == rill::error::operation_aborted);
    CHECK(total == 3);
}

TEST_CASE("async_compose takes executors, I/O objects and contexts, or none", "[compose][async_compose]") {
    rill::io_context ctx(1);
    rill::io_context other(1);
    rill::steady_timer timer(other);
    rill::any_io_executor any = ctx.get_executor();
    int done = 0;
    auto once = [&](auto& self) {
        STATIC_REQUIRE(std::is_same_v<decltype(self.get_io_executor()), rill::any_io_executor>);
        CHECK(self.get_io_executor() == any);
        self.complete();
    };
    auto count = [&] { ++done; };
    rill::async_compose<decltype(count)&, void()>(once, count, any, timer, other, ctx.get_executor());
    auto posted = [step = 0, &ctx](auto& self) mutable { step++ == 0 ? post(ctx, std::move(self)) : self.complete(); };
    rill::async_compose<decltype(count)&, void()>(posted, count);
    ctx.run();
    CHECK(done == 2);
}

TEST_CASE("async_compose with several signatures", "[compose][async_compose]") {
    rill::io_context ctx(1);
    struct both {
        int& got;
        void operator()(error_code) { got = 1; }
        void operator()(std::unique_ptr<int> p) { got = *p; }
    };
    int got = 0;
    both handler{got};
    rill::async_compose<both, void(error_code), void(std::unique_ptr<int>)>(
        [&ctx, step = 0](auto& self) mutable {
            if (step++ == 0)
                return rill::post(ctx, std::move(self));
            self.complete(std::make_unique<int>(6));
        },
        handler, ctx);
    ctx.run();
    CHECK(got == 6);
}

TEST_CASE("compositions on a context that is destroyed do not complete", "[compose][async_compose]") {
    auto alive = std::make_shared<int>();
    {
        pair p;
        async_echo(p.ours, [alive](error_code, std::size_t) { FAIL("called"); });
        p.theirs.write_some(rill::buffer("0123", 4));
        p.context.poll_one();
        CHECK(alive.use_count() == 2);
    }
    CHECK(alive.use_count() == 1);
}
