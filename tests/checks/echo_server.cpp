// SPDX-License-Identifier: BSL-1.0

// A whole echo server that includes only what it uses; compile_time.py compiles it.

#include <rill/compose/write.hpp>
#include <rill/context/io_context.hpp>
#include <rill/core/buffer.hpp>
#include <rill/coroutine/awaitable.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/token/detached.hpp>

rill::awaitable<void> echo(rill::ip::tcp::socket s) {
    char d[1024];
    for (;;) {
        auto n = co_await s.async_read_some(rill::buffer(d), rill::use_awaitable);
        co_await rill::async_write(s, rill::buffer(d, n), rill::use_awaitable);
    }
}

rill::awaitable<void> serve(rill::ip::tcp::acceptor a) {
    for (;;) {
        rill::co_spawn(a.get_executor(), echo(co_await a.async_accept(rill::use_awaitable)), rill::detached);
    }
}

int main() {
    rill::io_context ctx;
    rill::co_spawn(ctx, serve(rill::ip::tcp::acceptor(ctx, {rill::ip::tcp::v4(), 7000})), rill::detached);
    ctx.run();
}
