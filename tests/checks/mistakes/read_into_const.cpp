// SPDX-License-Identifier: BSL-1.0
// expect: mutable_buffer_sequence_needed_but_these_bytes_are_const__read_into_others
// lines: 16
#include <rill/compose/read.hpp>
#include <rill/ip/tcp.hpp>

#include <string>

void fill(rill::ip::tcp::socket& socket, const std::string& text) {
    rill::async_read(socket, rill::buffer(text), [](rill::error_code, std::size_t) {});
}
