// SPDX-License-Identifier: BSL-1.0
#include <rill/rill.hpp>

int main() {
    rill::io_context ctx;
    bool ran = false;
    rill::post(ctx, [&] { ran = true; });
    ctx.run();
    return ran ? 0 : 1;
}
