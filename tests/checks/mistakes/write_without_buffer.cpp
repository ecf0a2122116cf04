// SPDX-License-Identifier: BSL-1.0
// expect: const_buffer_sequence_needed__pass_buffer_of_it
// lines: 18
#include <rill/compose/write.hpp>
#include <rill/ip/tcp.hpp>

#include <string>

void greet(rill::ip::tcp::socket& socket, const std::string& text) {
    rill::async_write(socket, text, [](rill::error_code, std::size_t) {});
}
