// SPDX-License-Identifier: BSL-1.0
#include <rill/execution/any_completion_executor.hpp>

#include <rill/context/io_context.hpp>
#include <rill/context/system_executor.hpp>

#include <support/catch.hpp>

#include <memory>
#include <type_traits>

using rill::any_completion_executor;
namespace execution = rill::execution;

namespace {

/// Can do nothing but run functions.
struct plain {
    template <class Function>
    void execute(Function f) const {
        std::move(f)();
    }
    bool operator==(const plain&) const noexcept { return true; }
};

static_assert(sizeof(any_completion_executor) <= 32);
static_assert(execution::executor<any_completion_executor>);
static_assert(std::is_convertible_v<plain, any_completion_executor>);
static_assert(!rill::can_require_v<any_completion_executor, execution::outstanding_work_t::tracked_t>);
static_assert(rill::can_prefer_v<any_completion_executor, execution::outstanding_work_t::tracked_t,
                                 execution::relationship_t::continuation_t>);

}  // namespace

TEST_CASE("an any_completion_executor takes any executor", "[execution][any_completion_executor]") {
    any_completion_executor any = plain(), empty;
    int ran = 0;
    any.execute([&ran, owned = std::make_unique<int>(1)] { ran += *owned; });
    CHECK(ran == 1);
    CHECK(rill::prefer(any, execution::outstanding_work.tracked) == any);
    any = rill::system_executor();
    any.execute([&ran] { ++ran; });
    CHECK(ran == 2);
    CHECK(any.target<rill::system_executor>() != nullptr);
    CHECK_THROWS_AS(empty.execute([] {}), execution::bad_executor);
}

TEST_CASE("a tracked any_completion_executor keeps its context at work", "[execution][any_completion_executor]") {
    rill::io_context ctx(1);
    any_completion_executor tracked =
        rill::prefer(any_completion_executor(ctx.get_executor()), execution::outstanding_work.tracked);
    CHECK(rill::query(tracked, execution::outstanding_work) == execution::outstanding_work.tracked);
    ctx.poll();
    CHECK_FALSE(ctx.stopped());
    tracked = nullptr;
    ctx.poll();
    CHECK(ctx.stopped());
}
