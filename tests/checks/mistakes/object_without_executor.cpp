// SPDX-License-Identifier: BSL-1.0
// expect: executor_needed__pass_one_or_an_execution_context
// lines: 6
#include <rill/ip/tcp.hpp>

void connect() { rill::ip::tcp::socket socket; }
