// SPDX-License-Identifier: BSL-1.0
#include "shared.hpp"

rill::error_code answer_of_a(rill::io_context& ctx) {
    rill::error_code answer;
    rill::post(ctx, [&] { answer = rill::error::eof; });
    ctx.restart();
    ctx.run();
    return answer;
}
