// SPDX-License-Identifier: BSL-1.0
#include <rill/context/executor_work_guard.hpp>

#include <rill/context/io_context.hpp>

#include <support/catch.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace {

bool at_work(rill::io_context& context) {
    context.restart();
    context.poll();
    return !context.stopped();
}

int any_hint() { return GENERATE(1, 2); }

}  // namespace

TEST_CASE("a work guard keeps its context at work until it is reset or dies", "[context][executor_work_guard]") {
    rill::io_context context(any_hint());
    {
        auto guard = rill::make_work_guard(context);
        STATIC_REQUIRE(std::is_same_v<decltype(guard), rill::executor_work_guard<rill::io_context::executor_type>>);
        CHECK(guard.owns_work());
        CHECK(guard.get_executor() == context.get_executor());
        CHECK(at_work(context));
        guard.reset();
        CHECK(!guard.owns_work());
        CHECK(!at_work(context));
        guard.reset();
        CHECK(guard.get_executor() == context.get_executor());
    }
    {
        const auto guard = rill::make_work_guard(context.get_executor());
        CHECK(at_work(context));
    }
    CHECK(!at_work(context));
}

TEST_CASE("a copied work guard counts for itself, and a moved one gives its work away",
          "[context][executor_work_guard]") {
    rill::io_context context(any_hint());
    auto guard = rill::make_work_guard(context);
    auto copy = guard;
    guard.reset();
    CHECK(copy.owns_work());
    CHECK(at_work(context));
    auto copy_of_nothing = guard;
    CHECK(!copy_of_nothing.owns_work());

    auto moved = std::move(copy);
    CHECK(moved.owns_work());
    CHECK(!copy.owns_work());  // NOLINT(bugprone-use-after-move)
    CHECK(at_work(context));
    moved.reset();
    CHECK(!at_work(context));
    STATIC_REQUIRE(!std::is_copy_assignable_v<decltype(guard)>);
}

TEST_CASE("a work guard may outlive its context", "[context][executor_work_guard]") {
    std::optional<rill::io_context> context(std::in_place, any_hint());
    auto guard = rill::make_work_guard(*context);
    context.reset();
    CHECK(guard.owns_work());
    guard.reset();
}
