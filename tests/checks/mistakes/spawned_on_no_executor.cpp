// SPDX-License-Identifier: BSL-1.0
// expect: executor_needed__pass_one_or_an_execution_context
// lines: 26
#include <rill/coroutine/co_spawn.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/token/detached.hpp>

rill::awaitable<void> session();
void go(rill::ip::tcp::socket& socket) { rill::co_spawn(socket, session(), rill::detached); }
