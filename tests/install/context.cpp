// SPDX-License-Identifier: BSL-1.0
#include <rill/rill.hpp>

#include <rill/coroutine/spawn.hpp>

int main() {
    rill::io_context ctx;
    bool ran = false;
    rill::spawn(
        ctx,
        [&](rill::yield_context yield) {
            rill::post(yield);
            ran = true;
        },
        rill::detached);
    ctx.run();
    return ran ? 0 : 1;
}
