// SPDX-License-Identifier: BSL-1.0
// expect: completion_token_for<Token, Signature> is not satisfied
// expect: std::move\(\)
// lines: 10
#include <rill/io/steady_timer.hpp>
#include <rill/token/append.hpp>

#include <memory>

void wait(rill::steady_timer& timer) {
    auto token = rill::append([](rill::error_code, std::unique_ptr<int>) {}, std::make_unique<int>());
    timer.async_wait(token);
}
