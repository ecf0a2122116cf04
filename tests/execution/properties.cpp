// SPDX-License-Identifier: BSL-1.0
#include <rill/execution/properties.hpp>

#include <support/catch.hpp>

#include <memory>
#include <type_traits>

namespace execution = rill::execution;

namespace {

struct runs {
    template <class Function>
    void execute(Function&&) const {}
};

/// Knows blocking, and nothing else.
struct simple : runs {
    int mode = 0;
    explicit simple(int m = 0) : mode(m) {}
    simple require(execution::blocking_t::never_t) const { return simple(1); }
    simple require(execution::blocking_t::possibly_t) const { return simple(2); }
    execution::blocking_t query(execution::blocking_t) const {
        return mode == 1 ? execution::blocking_t(execution::blocking.never) : execution::blocking.possibly;
    }
    bool operator==(const simple& other) const { return mode == other.mode; }
};

static_assert(rill::queryable_for<simple, execution::blocking_t>);
static_assert(rill::queryable_for<simple, execution::blocking_t::never_t>);
static_assert(!rill::queryable_for<simple, execution::context_t>);
static_assert(rill::requirable_for<simple, execution::blocking_t::never_t>);
static_assert(!rill::requirable_for<simple, execution::blocking_t::always_t>);
static_assert(!rill::requirable_for<simple, execution::blocking_t>);
static_assert(!rill::requirable_for<simple, execution::outstanding_work_t::tracked_t>);
static_assert(rill::can_prefer_v<simple, execution::outstanding_work_t::tracked_t>);
static_assert(!rill::can_prefer_v<simple, execution::blocking_t::always_t>);
static_assert(!rill::can_prefer_v<simple, execution::context_t>);
static_assert(!rill::can_query_v<int, execution::blocking_t>);
static_assert(!rill::can_prefer_v<int, execution::relationship_t::fork_t>);

/// Says what it is by its type.
struct fixed : runs {
    static constexpr execution::blocking_t::never_t query(execution::blocking_t) noexcept { return {}; }
    static constexpr execution::relationship_t query(execution::relationship_t::continuation_t) noexcept {
        return execution::relationship.continuation;
    }
    bool operator==(const fixed&) const noexcept { return true; }
};

static_assert(rill::query(fixed(), execution::blocking) == execution::blocking.never);
static_assert(rill::query(fixed(), execution::blocking.possibly) == execution::blocking.never);
static_assert(execution::blocking_t::static_query_v<fixed> == execution::blocking.never);
static_assert(execution::blocking_t::never_t::static_query_v<fixed> == execution::blocking.never);
static_assert(rill::query(fixed(), execution::relationship) == execution::relationship.continuation);
static_assert(rill::query(fixed(), execution::outstanding_work) == execution::outstanding_work.untracked);
static_assert(rill::query(fixed(), execution::outstanding_work.untracked) == execution::outstanding_work.untracked);
static_assert(!rill::can_query_v<fixed, execution::outstanding_work_t::tracked_t>);
// It has what it is required to have, and needs no member for it.
static_assert(std::is_same_v<rill::require_result_t<fixed, execution::blocking_t::never_t>, fixed>);
static_assert(rill::is_nothrow_require_v<fixed, execution::blocking_t::never_t>);
static_assert(!rill::can_require_v<fixed, execution::blocking_t::possibly_t>);
static_assert(!rill::can_require_v<fixed, execution::relationship_t::fork_t>);
static_assert(rill::can_require_v<fixed, execution::outstanding_work_t::untracked_t>);

/// Answers for one value only.
struct partial : runs {
    execution::blocking_t query(execution::blocking_t::always_t) const { return execution::blocking.always; }
    bool operator==(const partial&) const noexcept { return true; }
};
static_assert(!rill::can_query_v<partial, execution::blocking_t::possibly_t>);

struct numbered : std::allocator<void> {
    int number = 5;
};

}  // namespace

TEST_CASE("the values of a property are equal to themselves only", "[execution][properties]") {
    using execution::blocking_t;
    CHECK(execution::blocking.never == execution::blocking.never);
    CHECK(blocking_t(execution::blocking.never) == execution::blocking.never);
    CHECK_FALSE(execution::blocking.never == execution::blocking.possibly);
    CHECK(execution::blocking.always != blocking_t());
    CHECK(blocking_t() == execution::blocking);
    CHECK(execution::relationship.fork != execution::relationship.continuation);
    CHECK(execution::outstanding_work.tracked != execution::outstanding_work.untracked);
    CHECK(blocking_t::never_t::value() == execution::blocking.never);
}

TEST_CASE("query() and require() reach the executor, one property after the other", "[execution][properties]") {
    const simple ex;
    CHECK(rill::query(ex, execution::blocking) == execution::blocking.possibly);
    CHECK(rill::require(ex, execution::blocking.never).mode == 1);
    CHECK(rill::require(ex, execution::blocking.never, execution::blocking.possibly).mode == 2);
    CHECK(rill::query(rill::require(ex, execution::blocking.never), execution::blocking) == execution::blocking.never);
    CHECK(rill::query(rill::require(ex, execution::blocking.never), execution::blocking.possibly) ==
          execution::blocking.never);
}

TEST_CASE("the whole is known of an executor that answers for one value", "[execution][properties]") {
    CHECK(rill::query(partial(), execution::blocking) == execution::blocking.always);
}

TEST_CASE("prefer() leaves out what the executor cannot have", "[execution][properties]") {
    const simple ex;
    CHECK(rill::prefer(ex, execution::outstanding_work.tracked).mode == 0);
    CHECK(rill::prefer(ex, execution::outstanding_work.tracked, execution::blocking.never, execution::relationship.fork)
              .mode == 1);
}

TEST_CASE("the allocator property carries an allocator", "[execution][properties]") {
    CHECK(execution::allocator(numbered()).value().number == 5);
    static_assert(!rill::can_require_v<simple, execution::allocator_t<numbered>>);
    CHECK(rill::prefer(simple(3), execution::allocator(numbered())).mode == 3);
}
