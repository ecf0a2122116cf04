// SPDX-License-Identifier: BSL-1.0
#include "shared.hpp"

int main() {
    rill::io_context ctx;
    const bool both_ran = answer_of_a(ctx) == rill::error::eof && answer_of_b(ctx) == rill::error::eof;
    return both_ran ? 0 : 1;
}
