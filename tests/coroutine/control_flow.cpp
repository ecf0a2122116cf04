// SPDX-License-Identifier: BSL-1.0
#include <rill/coroutine/control_flow.hpp>

#include <rill/core/config.hpp>

#include <support/catch.hpp>

#include <cstddef>
#include <limits>
#include <new>

namespace {

struct flow : rill::engine::control_flow {};

}  // namespace

TEST_CASE("the memory of a flow's operations is one block, which is used again", "[coroutine][control_flow]") {
    flow f;
    void* first = f.allocate_operation(100);
    f.deallocate_operation(first, 100);
    CHECK(f.allocate_operation(50) == first);
    void* second = f.allocate_operation(50);  // of another one, meanwhile
    CHECK(second != first);
    f.deallocate_operation(second, 50);
    f.deallocate_operation(first, 50);
}

// The sanitizers end the program instead of throwing.
#if !RILL_ADDRESS_SANITIZER && !RILL_THREAD_SANITIZER

TEST_CASE("a flow goes on after its operation could not have memory", "[coroutine][control_flow]") {
    flow f;
    f.deallocate_operation(f.allocate_operation(100), 100);
    CHECK_THROWS_AS(f.allocate_operation(std::numeric_limits<std::size_t>::max() / 2), std::bad_alloc);
    void* memory = f.allocate_operation(100);
    REQUIRE(memory != nullptr);
    f.deallocate_operation(memory, 100);
    CHECK_THROWS_AS(rill::engine::flow_allocator<int>(f).allocate(std::numeric_limits<std::size_t>::max()),
                    std::bad_alloc);
}

#endif
