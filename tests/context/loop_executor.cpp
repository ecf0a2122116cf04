// SPDX-License-Identifier: BSL-1.0
#include <rill/context/loop_executor.hpp>

#include <rill/context/io_context.hpp>

#include <support/catch.hpp>

#include <memory>
#include <type_traits>

namespace execution = rill::execution;

namespace {

using executor = rill::io_context::executor_type;
using tracked = rill::require_result_t<executor, execution::outstanding_work_t::tracked_t>;

// What each of them is by its type.
static_assert(execution::mapping_t::static_query_v<executor> == execution::mapping.thread);
static_assert(execution::mapping_t::static_query_v<tracked> == execution::mapping.thread);
static_assert(execution::outstanding_work_t::static_query_v<executor> == execution::outstanding_work.untracked);
static_assert(execution::outstanding_work_t::static_query_v<tracked> == execution::outstanding_work.tracked);
static_assert(execution::inline_exception_handling_t::static_query_v<tracked> ==
              execution::inline_exception_handling.propagate);
static_assert(std::is_same_v<rill::require_result_t<executor, execution::outstanding_work_t::untracked_t>, executor>);
static_assert(std::is_same_v<rill::require_result_t<tracked, execution::outstanding_work_t::untracked_t>, executor>);
static_assert(rill::can_require_v<tracked, execution::mapping_t::thread_t, execution::blocking_t::never_t,
                                  execution::relationship_t::fork_t, execution::allocator_t<void>>);
static_assert(!rill::can_require_v<executor, execution::blocking_t::always_t>);
static_assert(!rill::can_require_v<executor, execution::mapping_t::new_thread_t>);
static_assert(!rill::can_query_v<executor, execution::occupancy_t>);
static_assert(std::is_trivially_copyable_v<executor> && sizeof(executor) == sizeof(void*));

/// Counts what it gives away.
template <class T>
struct counting {
    using value_type = T;
    int* allocated;
    explicit counting(int* n) : allocated(n) {}
    template <class U>
    counting(const counting<U>& other) : allocated(other.allocated) {}
    T* allocate(std::size_t n) {
        ++*allocated;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) { std::allocator<T>().deallocate(p, n); }
    friend bool operator==(const counting& a, const counting& b) { return a.allocated == b.allocated; }
};

}  // namespace

TEST_CASE("an executor of a loop answers for its properties", "[context][loop_executor]") {
    rill::io_context ctx(1);
    const auto ex = ctx.get_executor();
    const auto work = rill::require(ex, execution::outstanding_work.tracked);
    CHECK(&rill::query(work, execution::context) == &ctx);
    CHECK(rill::query(work, execution::outstanding_work) == execution::outstanding_work.tracked);
    CHECK(rill::query(work, execution::outstanding_work.untracked) == execution::outstanding_work.tracked);
    CHECK(rill::query(ex, execution::blocking) == execution::blocking.possibly);
    const auto never = rill::require(work, execution::blocking.never, execution::relationship.continuation);
    CHECK(rill::query(never, execution::blocking) == execution::blocking.never);
    CHECK(rill::query(never, execution::relationship.fork) == execution::relationship.continuation);
    CHECK(rill::require(never, execution::blocking.possibly, execution::relationship.fork) == work);
}

TEST_CASE("an executor of a loop stores functions with the allocator it is required to have",
          "[context][loop_executor]") {
    rill::io_context ctx(1);
    int allocated = 0, ran = 0;
    const auto ex = rill::require(ctx.get_executor(), execution::allocator(counting<void>(&allocated)));
    CHECK(rill::query(ex, execution::allocator).allocated == &allocated);
    ex.execute([&ran] { ++ran; });
    CHECK(allocated == 1);
    rill::require(ex, execution::allocator).execute([&ran] { ++ran; });
    CHECK(allocated == 1);
    CHECK(ctx.run() == 2);
    CHECK(ran == 2);
}

TEST_CASE("an exception in a function that runs inside execute() reaches the caller", "[context][loop_executor]") {
    rill::io_context ctx(1);
    bool caught = false;
    ctx.get_executor().execute([&] {
        try {
            ctx.get_executor().execute([] { throw 5; });
        } catch (int) {
            caught = true;
        }
    });
    CHECK(ctx.run() == 1);
    CHECK(caught);
}
