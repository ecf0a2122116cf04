// SPDX-License-Identifier: BSL-1.0
// expect: (?s)(io_context|loop_executor).*blocking_t::always_t
// lines: 24
#include <rill/context/io_context.hpp>
#include <rill/execution/properties.hpp>

void run_now(rill::io_context& context) {
    rill::require(context.get_executor(), rill::execution::blocking.always).execute([] {});
}
