// SPDX-License-Identifier: BSL-1.0
// expect: mutable_buffer_sequence_needed_but_these_bytes_are_const__read_into_others
// lines: 10
#include <rill/ip/tcp.hpp>

#include <string>

void fill(rill::ip::tcp::socket& socket, const std::string& text) {
    socket.async_read_some(rill::buffer(text), [](rill::error_code, std::size_t) {});
}
