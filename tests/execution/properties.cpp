// SPDX-License-Identifier: BSL-1.0
#include <rill/execution/properties.hpp>

#include <support/catch.hpp>

namespace execution = rill::execution;

namespace {

/// Knows blocking, and nothing else.
struct simple {
    int mode = 0;
    simple require(execution::blocking_t::never_t) const { return {1}; }
    simple require(execution::blocking_t::possibly_t) const { return {2}; }
    execution::blocking_t query(execution::blocking_t) const {
        return mode == 1 ? execution::blocking_t(execution::blocking.never) : execution::blocking.possibly;
    }
};

static_assert(rill::queryable_for<simple, execution::blocking_t>);
static_assert(!rill::queryable_for<simple, execution::context_t>);
static_assert(rill::requirable_for<simple, execution::blocking_t::never_t>);
static_assert(!rill::requirable_for<simple, execution::blocking_t::always_t>);
static_assert(!rill::requirable_for<simple, execution::outstanding_work_t::tracked_t>);

}  // namespace

TEST_CASE("the values of a property are equal to themselves only", "[execution][properties]") {
    using execution::blocking_t;
    CHECK(blocking_t(execution::blocking.never) == blocking_t(execution::blocking.never));
    CHECK_FALSE(blocking_t(execution::blocking.never) == blocking_t(execution::blocking.possibly));
    CHECK_FALSE(blocking_t(execution::blocking.always) == blocking_t());
    using execution::relationship_t;
    CHECK_FALSE(relationship_t(execution::relationship.fork) == relationship_t(execution::relationship.continuation));
    using execution::outstanding_work_t;
    CHECK_FALSE(outstanding_work_t(execution::outstanding_work.tracked) ==
                outstanding_work_t(execution::outstanding_work.untracked));
}

TEST_CASE("query() and require() reach the executor, one property after the other", "[execution][properties]") {
    const simple ex;
    CHECK(rill::query(ex, execution::blocking) == execution::blocking_t(execution::blocking.possibly));
    CHECK(rill::require(ex, execution::blocking.never).mode == 1);
    CHECK(rill::require(ex, execution::blocking.never, execution::blocking.possibly).mode == 2);
    CHECK(rill::query(rill::require(ex, execution::blocking.never), execution::blocking) ==
          execution::blocking_t(execution::blocking.never));
}

TEST_CASE("prefer() leaves out what the executor cannot have", "[execution][properties]") {
    const simple ex;
    CHECK(rill::prefer(ex, execution::outstanding_work.tracked).mode == 0);
    CHECK(rill::prefer(ex, execution::outstanding_work.tracked, execution::blocking.never, execution::relationship.fork)
              .mode == 1);
}

TEST_CASE("the allocator property carries an allocator", "[execution][properties]") {
    struct numbered : std::allocator<void> {
        int number = 5;
    };
    CHECK(execution::allocator(numbered()).value().number == 5);
}
