// SPDX-License-Identifier: BSL-1.0
#include <rill/context/system_executor.hpp>

#include <rill/context/system_context.hpp>

#include <support/catch.hpp>

#include <future>
#include <memory>
#include <thread>
#include <type_traits>

namespace execution = rill::execution;

namespace {

using rill::system_executor;
using never = rill::require_result_t<system_executor, execution::blocking_t::never_t>;

static_assert(rill::query(system_executor(), execution::blocking) == execution::blocking.possibly);
static_assert(rill::query(never(), execution::blocking) == execution::blocking.never);
static_assert(rill::query(system_executor(), execution::relationship) == execution::relationship.fork);
static_assert(rill::query(system_executor(), execution::mapping) == execution::mapping.thread);
static_assert(rill::query(system_executor(), execution::outstanding_work) == execution::outstanding_work.untracked);
static_assert(rill::require(never(), execution::blocking.possibly) == system_executor());
static_assert(!rill::can_require_v<system_executor, execution::outstanding_work_t::tracked_t>);
static_assert(
    std::is_same_v<rill::prefer_result_t<system_executor, execution::outstanding_work_t::tracked_t>, system_executor>);
static_assert(execution::executor<never> && std::is_same_v<system_executor, rill::system_context::executor_type>);

}  // namespace

TEST_CASE("system_executor runs functions where it is called, unless it must never block",
          "[context][system_executor]") {
    std::thread::id where;
    auto note = [&where] { where = std::this_thread::get_id(); };
    system_executor().execute(note);
    CHECK(where == std::this_thread::get_id());
    where = {};
    rill::require(system_executor(), execution::blocking.always).execute(note);
    CHECK(where == std::this_thread::get_id());
    std::promise<std::thread::id> elsewhere;
    rill::require(system_executor(), execution::blocking.never, execution::relationship.continuation)
        .execute([&elsewhere, owned = std::make_unique<int>()] { elsewhere.set_value(std::this_thread::get_id()); });
    CHECK(elsewhere.get_future().get() != std::this_thread::get_id());
}

TEST_CASE("system_executor knows its context and how many threads that has", "[context][system_executor]") {
    CHECK(&rill::query(system_executor(), execution::context) == &system_executor().context());
    CHECK(rill::query(never(), execution::occupancy) >= 2);
}
