// SPDX-License-Identifier: BSL-1.0
#include <rill/execution/blocking_adaptation.hpp>

#include <rill/context/io_context.hpp>
#include <rill/context/system_context.hpp>
#include <rill/context/system_executor.hpp>

#include <support/catch.hpp>

#include <memory>
#include <thread>
#include <type_traits>
#include <utility>

namespace execution = rill::execution;

namespace {

/// Forgets what it is given.
struct dropping {
    template <class Function>
    void execute(Function&&) const {}
    bool operator==(const dropping&) const noexcept { return true; }
};

using loop_executor = rill::io_context::executor_type;
using adapted = rill::require_result_t<loop_executor, execution::blocking_adaptation_t::allowed_t>;
using waiting = rill::require_result_t<adapted, execution::blocking_t::always_t>;

static_assert(!rill::can_require_v<loop_executor, execution::blocking_t::always_t>);
static_assert(
    rill::can_require_v<loop_executor, execution::blocking_adaptation_t::allowed_t, execution::blocking_t::always_t>);
static_assert(!rill::can_prefer_v<loop_executor, execution::blocking_adaptation_t::allowed_t>);
static_assert(
    std::is_same_v<rill::require_result_t<adapted, execution::blocking_adaptation_t::disallowed_t>, loop_executor>);
static_assert(std::is_same_v<rill::require_result_t<adapted, execution::blocking_adaptation_t::allowed_t>, adapted>);
static_assert(std::is_same_v<rill::require_result_t<waiting, execution::blocking_t::never_t>, adapted>);
static_assert(execution::executor<waiting>);

}  // namespace

TEST_CASE("adaptation is allowed once it was required, and not before", "[execution][blocking_adaptation]") {
    rill::io_context ctx(1);
    auto ex = ctx.get_executor();
    CHECK(rill::query(ex, execution::blocking_adaptation) == execution::blocking_adaptation.disallowed);
    auto may = rill::require(ex, execution::blocking_adaptation.allowed);
    CHECK(rill::query(may, execution::blocking_adaptation) == execution::blocking_adaptation.allowed);
    CHECK(rill::query(may, execution::blocking_adaptation.disallowed) == execution::blocking_adaptation.allowed);
    CHECK(rill::query(may, execution::blocking) == execution::blocking.possibly);
    CHECK(&rill::query(may, execution::context) == &ctx);
    auto waits = rill::require(may, execution::blocking.always);
    CHECK(rill::query(waits, execution::blocking) == execution::blocking.always);
    CHECK(rill::query(waits, execution::blocking.possibly) == execution::blocking.always);
    CHECK(rill::query(waits, execution::blocking_adaptation) == execution::blocking_adaptation.allowed);
    CHECK(waits == rill::require(may, execution::blocking.always));
    auto never = rill::require(waits, execution::blocking.never);
    CHECK(rill::query(never, execution::blocking) == execution::blocking.never);
    CHECK(rill::require(never, execution::blocking_adaptation.disallowed) ==
          rill::require(ex, execution::blocking.never));
}

TEST_CASE("an adapted executor waits until its function has run on the context", "[execution][blocking_adaptation]") {
    rill::io_context ctx;
    auto work = rill::require(ctx.get_executor(), execution::outstanding_work.tracked);
    std::thread runner([&ctx] { ctx.run(); });
    const auto waits = rill::require(ctx.get_executor(), execution::blocking_adaptation.allowed,
                                     execution::blocking.always, execution::relationship.continuation);
    std::thread::id where;
    int ran = 0;
    for (int i = 0; i < 100; ++i) {
        waits.execute([&, owned = std::make_unique<int>(1)] {
            for (int turn = 0; turn < 100; ++turn)
                std::this_thread::yield();  // who did not wait would be back first
            ran += *owned;
            where = std::this_thread::get_id();
        });
        CHECK(ran == i + 1);  // without a lock
    }
    CHECK(where == runner.get_id());
    ctx.stop();
    runner.join();
}

TEST_CASE("an adapted executor does not wait for a function that is dropped", "[execution][blocking_adaptation]") {
    auto waits = rill::require(dropping(), execution::blocking_adaptation.allowed, execution::blocking.always);
    bool ran = false;
    waits.execute([&ran] { ran = true; });
    CHECK_FALSE(ran);
}

TEST_CASE("an executor that blocks by itself is not adapted", "[execution][blocking_adaptation]") {
    auto waits =
        rill::require(rill::system_executor(), execution::blocking_adaptation.allowed, execution::blocking.always);
    CHECK(rill::require(waits, execution::blocking_adaptation.disallowed) ==
          rill::require(rill::system_executor(), execution::blocking.always));
    int ran = 0;
    waits.execute([&ran] { ++ran; });
    CHECK(ran == 1);
}
