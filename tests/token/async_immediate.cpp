// SPDX-License-Identifier: BSL-1.0
#include <rill/token/async_immediate.hpp>

#include <support/catch.hpp>

#include <rill/token/append.hpp>
#include <rill/token/bind_allocator.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/bind_immediate_executor.hpp>

#include <token/answer.hpp>

#include <memory>
#include <type_traits>

using rill::async_immediate;
using rill::error_code;

TEST_CASE("async_immediate completes after the call, and not inside it", "[token][async_immediate]") {
    rill::io_context ctx;
    int calls = 0;
    rill::post(ctx, [&] {
        async_immediate(ctx.get_executor(), [&calls, own = std::make_unique<int>()] { ++calls; });
        CHECK(calls == 0);
    });
    CHECK(ctx.run() == 2);
    CHECK(calls == 1);
}

TEST_CASE("async_immediate goes through the immediate executor", "[token][async_immediate]") {
    rill::io_context ctx;
    bool called = false;
    async_immediate(ctx.get_executor(),
                    rill::bind_immediate_executor(rill::system_executor(), [&called] { called = true; }));
    CHECK(called);
    CHECK(ctx.run() == 0);
}

TEST_CASE("async_immediate dispatches to the immediate executor", "[token][async_immediate]") {
    rill::io_context ctx;
    bool inside = false;
    rill::post(ctx, [&] {
        bool called = false;
        async_immediate(ctx.get_executor(),
                        rill::bind_immediate_executor(ctx.get_executor(), [&called] { called = true; }));
        inside = called;
    });
    ctx.run();
    CHECK(inside);
}

TEST_CASE("async_immediate does not call through an immediate executor that never blocks", "[token][async_immediate]") {
    rill::io_context ctx;
    const auto never = rill::require(ctx.get_executor(), rill::execution::blocking.never);
    bool called = false;
    bool inside = false;
    rill::post(ctx, [&] {
        async_immediate(ctx.get_executor(), rill::bind_immediate_executor(never, [&called] { called = true; }));
        inside = called;
    });
    ctx.run();
    CHECK_FALSE(inside);
    CHECK(called);
}

TEST_CASE("without an immediate executor the handler runs on its own executor", "[token][async_immediate]") {
    rill::io_context ctx;
    rill::io_context other;
    bool called = false;
    async_immediate(ctx.get_executor(), rill::bind_executor(other, [&called] { called = true; }));
    CHECK(ctx.run() == 1);
    CHECK(!called);
    CHECK(other.run() == 1);
    CHECK(called);
}

TEST_CASE("async_immediate uses the handler's allocator", "[token][async_immediate]") {
    rill::io_context ctx;
    std::size_t allocations = 0;
    async_immediate(ctx.get_executor(),
                    rill::bind_allocator(token_test::numbered_allocator<void>(1, &allocations), [] {}));
    CHECK(allocations == 1);
    CHECK(ctx.run() == 1);
}

TEST_CASE("an operation with nothing to wait for ends with async_immediate", "[token][async_immediate]") {
    rill::io_context ctx;
    const auto initiation = [ex = ctx.get_executor()](auto handler, std::size_t n) {
        async_immediate(ex, rill::append(std::move(handler), error_code(rill::error::eof), n));
    };
    std::size_t got = 0;
    auto handler = [&got, own = std::make_unique<int>()](error_code ec, std::size_t n) {
        got = ec == rill::error::eof ? n : 0;
    };
    rill::async_initiate<decltype(handler), void(error_code, std::size_t)>(initiation, handler, std::size_t(3));
    CHECK(got == 0);
    ctx.run();
    CHECK(got == 3);
}

TEST_CASE("async_immediate starts the default token's operation", "[token][async_immediate]") {
    rill::io_context ctx;
    auto op = async_immediate(ctx.get_executor());
    STATIC_REQUIRE(std::is_same_v<rill::completion_signature_of_t<decltype(op)>, void()>);
    CHECK(op.get_executor() == ctx.get_executor());
    bool called = false;
    std::move(op)([&called] { called = true; });
    ctx.run();
    CHECK(called);
}
