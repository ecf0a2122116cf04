// SPDX-License-Identifier: BSL-1.0
// expect: completion_token_for<Token, Signature> is not satisfied
// expect: std::unique_ptr
// lines: 10
#include <rill/io/steady_timer.hpp>

#include <atomic>

struct handler {
    std::atomic<int> calls{0};
    void operator()(rill::error_code) {}
};
void wait(rill::steady_timer& timer) { timer.async_wait(handler()); }
