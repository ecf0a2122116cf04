// SPDX-License-Identifier: BSL-1.0
#include <rill/token/bind_allocator.hpp>

#include <support/catch.hpp>

#include <rill/token/detached.hpp>

#include <token/answer.hpp>

#include <memory>
#include <type_traits>

using rill::error_code;
using token_test::async_answer;
using token_test::characteristics;
using token_test::numbered_allocator;

TEST_CASE("an operation finds the allocator of a bound handler", "[token][bind_allocator]") {
    rill::io_context ctx;
    characteristics found;
    std::size_t got = 0;
    auto handler = [&got, own = std::make_unique<int>()](error_code, std::size_t n) { got = n; };
    async_answer({&ctx, &found}, {}, 3, rill::bind_allocator(numbered_allocator<char>(1), std::move(handler)));
    ctx.run();
    CHECK(found == characteristics{0, 1, 0, false, {}});
    CHECK(got == 3);
}

TEST_CASE("a bound allocator is what allocates for an executor too", "[token][bind_allocator]") {
    rill::io_context ctx;
    std::size_t allocations = 0;
    const auto bound = rill::bind_allocator(numbered_allocator<void>(1, &allocations), [] {});
    rill::require(ctx.get_executor(), rill::execution::allocator(rill::get_associated_allocator(bound))).execute(bound);
    CHECK(allocations == 1);
    CHECK(ctx.run() == 1);
}

TEST_CASE("the outer one of two bound allocators counts", "[token][bind_allocator]") {
    auto bound = rill::bind_allocator(numbered_allocator<void>(1),
                                      rill::bind_allocator(numbered_allocator<char>(2), [] { return 5; }));
    STATIC_REQUIRE(std::is_same_v<rill::associated_allocator_t<decltype(bound)>, numbered_allocator<void>>);
    CHECK(bound.get_allocator().number == 1);
    CHECK(bound.get().get_allocator().number == 2);
    CHECK(bound() == 5);
}

TEST_CASE("an allocator binder converts to one of another allocator", "[token][bind_allocator]") {
    const auto bound = rill::bind_allocator(numbered_allocator<char>(1), 4);
    const rill::allocator_binder<long, numbered_allocator<void>> converted = bound;
    CHECK(converted.get() == 4);
    CHECK(converted.get_allocator().number == 1);
    CHECK(rill::allocator_binder<long, numbered_allocator<void>>(numbered_allocator<void>(2), bound).get() == 4);
}

TEST_CASE("bind_allocator without a token binds the default one", "[token][bind_allocator]") {
    rill::io_context ctx;
    characteristics found;
    async_answer({&ctx, &found}, {}, 3, rill::bind_allocator(numbered_allocator<void>(1)))(rill::detached);
    CHECK(found.allocator == 1);
    CHECK(ctx.run() == 1);
}
