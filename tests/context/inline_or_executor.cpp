// SPDX-License-Identifier: BSL-1.0
#include <rill/context/inline_or_executor.hpp>

#include <rill/context/io_context.hpp>
#include <rill/execution/any_io_executor.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/defer.hpp>
#include <rill/token/dispatch.hpp>
#include <rill/token/post.hpp>

#include <support/catch.hpp>

#include <memory>
#include <type_traits>

namespace execution = rill::execution;
using rill::inline_or;

namespace {

/// Counts what it is given, and knows no property.
struct counting_executor {
    int* count;
    template <class Function>
    void execute(Function&& f) const {
        ++*count;
        std::forward<Function>(f)();
    }
    friend bool operator==(const counting_executor&, const counting_executor&) noexcept = default;
};

}  // namespace

TEST_CASE("inline_or runs at once what is dispatched, and leaves the rest to the inner executor",
          "[context][inline_or_executor]") {
    rill::io_context context;
    const auto ex = inline_or(context);
    int dispatched = 0, queued = 0;

    rill::dispatch(ex, [&dispatched, m = std::make_unique<int>()] { ++dispatched; });
    ex.execute([&dispatched] { ++dispatched; });
    CHECK(dispatched == 2);

    rill::post(ex, [&queued, m = std::make_unique<int>()] { ++queued; });
    rill::defer(ex, [&queued] { ++queued; });
    CHECK(queued == 0);
    CHECK(context.run() == 2);
    CHECK(queued == 2);
}

TEST_CASE("inline_or has the properties of its inner executor", "[context][inline_or_executor]") {
    rill::io_context context;
    const auto ex = inline_or(context);
    STATIC_REQUIRE(execution::executor<decltype(inline_or(context))>);
    STATIC_REQUIRE(std::is_same_v<decltype(ex)::inner_executor_type, rill::io_context::executor_type>);
    CHECK(&rill::query(ex, execution::context) == &context);
    CHECK(&ex.context() == &context);
    CHECK(rill::query(ex, execution::blocking) == execution::blocking.possibly);

    const auto never = rill::require(ex, execution::blocking.never);
    CHECK(rill::query(never, execution::blocking) == execution::blocking.never);
    CHECK(never.get_inner_executor() == rill::require(context.get_executor(), execution::blocking.never));
    CHECK(never != ex);
    CHECK(rill::require(never, execution::blocking.possibly) == ex);
    CHECK(inline_or(context.get_executor()) == ex);

    int calls = 0;
    {
        const auto tracked = rill::require(ex, execution::outstanding_work.tracked);
        CHECK(context.poll() == 0);
        CHECK(!context.stopped());
        tracked.execute([&calls] { ++calls; });
    }
    CHECK(calls == 1);
    CHECK(context.run() == 0);
}

TEST_CASE("inline_or never asks an inner executor without properties", "[context][inline_or_executor]") {
    int inner = 0, calls = 0;
    const auto ex = inline_or(counting_executor{&inner});
    ex.execute([&calls] { ++calls; });
    CHECK(calls == 1);
    CHECK(inner == 0);
    CHECK(ex == inline_or(counting_executor{&inner}));
    STATIC_REQUIRE(!rill::requirable_for<decltype(inline_or(counting_executor{})), execution::blocking_t::never_t>);
}

TEST_CASE("inline_or converts with its inner executor, and into any_io_executor", "[context][inline_or_executor]") {
    rill::io_context context;
    const rill::inline_or_executor<rill::any_io_executor> wide = inline_or(context);
    int calls = 0;
    wide.execute([&calls] { ++calls; });
    CHECK(calls == 1);

    const rill::any_io_executor any = inline_or(context);
    any.execute([&calls] { ++calls; });
    CHECK(calls == 2);
    rill::post(any, [&calls] { ++calls; });
    CHECK(calls == 2);
    CHECK(context.run() == 1);
    CHECK(calls == 3);
}

TEST_CASE("a handler on inline_or runs as its operation completes, on whatever context",
          "[context][inline_or_executor]") {
    rill::io_context io, other;
    rill::steady_timer timer(io, rill::steady_timer::time_point::min());
    int calls = 0;
    timer.async_wait(rill::bind_executor(inline_or(other), [&calls](rill::error_code) { ++calls; }));
    CHECK(io.run() == 1);
    CHECK(calls == 1);
    CHECK(other.poll() == 0);
}
