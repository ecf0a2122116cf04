// SPDX-License-Identifier: BSL-1.0
#include <rill/token/recycling_allocator.hpp>

#include <rill/core/config.hpp>

#include <support/catch.hpp>

#include <token/answer.hpp>

#include <rill/token/bind_allocator.hpp>

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

TEST_CASE("a recycling allocator gives freed memory again", "[token][recycling_allocator]") {
    rill::recycling_allocator<int> a;
    int* first = a.allocate(5);
    a.deallocate(first, 5);
    rill::recycling_allocator<char> b(a);
    char* second = b.allocate(5 * sizeof(int));
    if (RILL_RECYCLES_MEMORY)
        CHECK(static_cast<void*>(second) == first);
    b.deallocate(second, 5 * sizeof(int));
    CHECK(a == b);
    CHECK(rill::recycling_allocator<void>() == a);
}

TEST_CASE("a recycling allocator serves containers, and over-aligned types", "[token][recycling_allocator]") {
    std::vector<int, rill::recycling_allocator<int>> v(1000, 1);
    std::list<int, rill::recycling_allocator<int>> l(v.begin(), v.begin() + 10);
    CHECK(l.size() == 10);

    struct alignas(128) aligned {
        char bytes[128];
    };
    rill::recycling_allocator<aligned> a;
    aligned* p = a.allocate(2);
    CHECK(reinterpret_cast<std::uintptr_t>(p) % 128 == 0);
    a.deallocate(p, 2);
    CHECK_THROWS_AS(a.allocate(static_cast<std::size_t>(-1) / 2), std::bad_alloc);
}

TEST_CASE("a recycling allocator is a handler's allocator", "[token][recycling_allocator]") {
    rill::io_context ctx;
    int got = 0;
    token_test::async_answer_as<int>({&ctx},
                                     rill::bind_allocator(rill::recycling_allocator<>(), [&](int n) { got = n; }), 4);
    ctx.run();
    CHECK(got == 4);
    STATIC_REQUIRE(std::is_same_v<std::allocator_traits<rill::recycling_allocator<void>>::rebind_alloc<int>,
                                  rill::recycling_allocator<int>>);
}
