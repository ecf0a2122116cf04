// SPDX-License-Identifier: BSL-1.0
#include <rill/token/placeholders.hpp>

#include <support/catch.hpp>

#include <rill/context/io_context.hpp>
#include <rill/io/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <utility>

using rill::error_code;

namespace {

struct session {
    error_code ec;
    int number = 0;

    void on_wait(const error_code& e) { ec = e; }
    void on_answer(int n, const error_code& e) {
        ec = e;
        number = n;
    }
};

}  // namespace

TEST_CASE("std::bind with placeholders makes a handler", "[token][placeholders]") {
    namespace placeholders = rill::placeholders;
    rill::io_context ctx;
    session s;
    rill::steady_timer timer(ctx, std::chrono::hours(1));
    timer.async_wait(std::bind(&session::on_wait, &s, placeholders::error));
    timer.cancel();
    ctx.run();
    CHECK(s.ec == rill::error::operation_aborted);

    auto handler = std::bind(&session::on_answer, &s, placeholders::bytes_transferred, placeholders::error);
    rill::async_initiate<decltype(handler), void(error_code, int)>([](auto h) { std::move(h)(error_code(), 7); },
                                                                   handler);
    CHECK_FALSE(s.ec);
    CHECK(s.number == 7);

    const auto second = [](int n) { return n; };
    CHECK(std::bind(second, placeholders::endpoint)(1, 2) == 2);
    CHECK(std::bind(second, placeholders::iterator)(1, 2) == 2);
    CHECK(std::bind(second, placeholders::results)(1, 2) == 2);
    CHECK(std::bind(second, placeholders::signal_number)(1, 2) == 2);
}
