// SPDX-License-Identifier: BSL-1.0
// expect: completion_token_for<Token, Signature> is not satisfied
// expect: std::move\(\)
// lines: 10
#include <rill/core/buffer.hpp>
#include <rill/ip/tcp.hpp>

#include <memory>

void greet(rill::ip::tcp::socket& socket) {
    auto handler = [own = std::make_unique<int>()](rill::error_code, std::size_t) {};
    socket.async_write_some(rill::buffer("hello", 5), handler);
}
