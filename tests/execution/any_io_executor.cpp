// SPDX-License-Identifier: BSL-1.0
#include <rill/execution/any_io_executor.hpp>

#include <rill/context/io_context.hpp>

#include <support/catch.hpp>

#include <memory>
#include <utility>
#include <vector>

using rill::any_io_executor;
using rill::io_context;
namespace execution = rill::execution;

static_assert(sizeof(any_io_executor) == 32);
static_assert(execution::executor<any_io_executor>);
static_assert(rill::can_require_v<any_io_executor, execution::blocking_t::never_t>);
static_assert(!rill::can_require_v<any_io_executor, execution::blocking_t::possibly_t>);
static_assert(!rill::can_require_v<any_io_executor, execution::outstanding_work_t::tracked_t>);
static_assert(rill::can_prefer_v<any_io_executor, execution::blocking_t::possibly_t,
                                 execution::outstanding_work_t::tracked_t, execution::relationship_t::fork_t>);
static_assert(rill::can_query_v<any_io_executor, execution::context_as_t<rill::execution_context&>>);

namespace {

/// May block, whatever is required.
struct blocking_only {
    explicit blocking_only(rill::execution_context& c) : context(&c) {}
    template <class Function>
    void execute(Function&&) const {}
    rill::execution_context& query(execution::context_t) const { return *context; }
    bool operator==(const blocking_only&) const noexcept { return true; }
    rill::execution_context* context;
};

static_assert(!std::is_convertible_v<blocking_only, any_io_executor>);
static_assert(!std::is_convertible_v<int, any_io_executor>);

/// Runs at once, counts its copies, and is as large as it is told to.
template <std::size_t Size>
struct custom {
    explicit custom(rill::execution_context* c, int* n) : context(c), executed(n), alive(std::make_shared<int>()) {}

    template <class Function>
    void execute(Function&& f) const {
        ++*executed;
        auto function = std::forward<Function>(f);
        std::move(function)();
    }
    rill::execution_context& query(execution::context_t) const { return *context; }
    custom require(execution::blocking_t::never_t) const { return *this; }
    friend bool operator==(const custom& a, const custom& b) { return a.alive == b.alive; }

    rill::execution_context* context;
    int* executed;
    std::shared_ptr<int> alive;
    char more[Size] = {};
};

/// Forgets what it is given.
struct dropping {
    explicit dropping(rill::execution_context& c) : context(&c) {}
    template <class Function>
    void execute(Function&&) const {}
    rill::execution_context& query(execution::context_t) const { return *context; }
    dropping require(execution::blocking_t::never_t) const { return *this; }
    bool operator==(const dropping&) const noexcept { return true; }
    rill::execution_context* context;
};

}  // namespace

TEST_CASE("an empty any_io_executor throws when it is used", "[execution][any_io_executor]") {
    any_io_executor empty;
    CHECK_FALSE(empty);
    CHECK(empty == nullptr);
    CHECK_THROWS_AS(empty.execute([] {}), execution::bad_executor);
    CHECK_THROWS_AS(empty.context(), execution::bad_executor);
    CHECK_THROWS_AS(rill::require(empty, execution::blocking.never), execution::bad_executor);
    CHECK(empty.target_type() == typeid(void));
}

TEST_CASE("an executor of a loop keeps its properties inside any_io_executor", "[execution][any_io_executor]") {
    io_context ctx(1);
    any_io_executor any = ctx.get_executor();
    REQUIRE(any);
    CHECK(&any.context() == &ctx);
    CHECK(any.reference());
    CHECK(any.target<io_context::executor_type>() != nullptr);
    CHECK(any.target<custom<1>>() == nullptr);
    CHECK(any.query(execution::blocking) == execution::blocking.possibly);
    const any_io_executor never = rill::require(any, execution::blocking.never);
    CHECK(never.query(execution::blocking) == execution::blocking.never);
    CHECK_FALSE(never == any);
    CHECK(rill::prefer(never, execution::blocking.possibly) == any);
    const any_io_executor next = rill::prefer(any, execution::relationship.continuation);
    CHECK(next.query(execution::relationship) == execution::relationship.continuation);
    CHECK(any == any_io_executor(ctx.get_executor()));

    int ran = 0;
    any.execute([&, owned = std::make_unique<int>(1)] {
        ran += *owned;
        any.execute([&] { ran += 10; });
        CHECK(ran == 11);  // at once
        never.execute([&] { ran += 100; });
        CHECK(ran == 11);
    });
    CHECK(ran == 0);
    CHECK(ctx.run() == 2);
    CHECK(ran == 111);
}

TEST_CASE("a tracked any_io_executor keeps its context at work, and may outlive it", "[execution][any_io_executor]") {
    std::vector<any_io_executor> kept;
    {
        io_context ctx(GENERATE(1, 2));
        {
            any_io_executor any = ctx.get_executor();
            any_io_executor tracked = rill::prefer(any, execution::outstanding_work.tracked);
            CHECK(tracked.query(execution::outstanding_work) == execution::outstanding_work.tracked);
            any_io_executor copy = tracked, moved = std::move(tracked);
            tracked = any;
            any = copy;
            copy = nullptr;
            CHECK(ctx.poll() == 0);
            CHECK_FALSE(ctx.stopped());
            kept.push_back(any);
            kept.push_back(moved);
        }
        ctx.poll();
        CHECK_FALSE(ctx.stopped());
        auto last = kept;
        kept.clear();
        ctx.poll();
        CHECK_FALSE(ctx.stopped());
        kept = last;
    }
    kept.pop_back();
    kept.clear();
}

TEMPLATE_TEST_CASE("any other executor is copied, compared and used as it is", "[execution][any_io_executor]",
                   custom<1>, custom<200>) {
    rill::execution_context ctx;
    int executed = 0;
    std::weak_ptr<int> alive;
    {
        TestType ex(&ctx, &executed);
        alive = ex.alive;
        any_io_executor any(ex), copy(any), other(TestType(&ctx, &executed));
        CHECK_FALSE(any.reference());
        CHECK(any == copy);
        CHECK_FALSE(any == other);
        CHECK(&any.context() == &ctx);
        CHECK(any.target<TestType>()->alive == ex.alive);
        int ran = 0;
        copy.execute([&ran, owned = std::make_unique<int>(1)] { ran += *owned; });
        CHECK(ran == 1);
        CHECK(executed == 1);
        other = copy;
        CHECK(any == other);
        any_io_executor& self = other;
        other = self;
        CHECK(any == other);
        CHECK(rill::prefer(any, execution::outstanding_work.tracked) == any);
        CHECK(rill::require(any, execution::blocking.never) == any);
        any = nullptr;
        CHECK_FALSE(any);
    }
    CHECK(alive.expired());
}

TEST_CASE("a function that its executor drops is destroyed", "[execution][any_io_executor]") {
    rill::execution_context ctx;
    any_io_executor any = dropping(ctx);
    auto owned = std::make_shared<int>();
    bool ran = false;
    any.execute([owned, &ran] { ran = true; });
    CHECK_FALSE(ran);
    CHECK(owned.use_count() == 1);
}
