// SPDX-License-Identifier: BSL-1.0

// An echo coroutine that includes only what it uses; compile_time.py compiles it.

#include <rill/compose/write.hpp>
#include <rill/core/buffer.hpp>
#include <rill/coroutine/awaitable.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/ip/tcp.hpp>

rill::awaitable<void> echo(rill::ip::tcp::socket s) {
    char d[1024];
    for (;;) {
        auto n = co_await s.async_read_some(rill::buffer(d), rill::use_awaitable);
        co_await rill::async_write(s, rill::buffer(d, n), rill::use_awaitable);
    }
}
