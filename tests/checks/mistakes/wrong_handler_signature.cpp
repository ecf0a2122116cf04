// SPDX-License-Identifier: BSL-1.0
// expect: completion_token_for<Token, Signature> is not satisfied
// expect: Let it take them
// lines: 10
#include <rill/core/buffer.hpp>
#include <rill/ip/tcp.hpp>

void greet(rill::ip::tcp::socket& socket) {
    socket.async_write_some(rill::buffer("hello", 5), [](int) {});
}
