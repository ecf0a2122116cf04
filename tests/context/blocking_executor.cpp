// SPDX-License-Identifier: BSL-1.0
#include <rill/context/blocking_executor.hpp>

#include <rill/context/io_context.hpp>
#include <rill/context/thread_pool.hpp>

#include <support/catch.hpp>

#include <thread>

namespace execution = rill::execution;

namespace {

struct no_context {};

/// Does with a function what it is told.
struct strange_executor {
    using context_type = no_context;
    enum { drops, runs_elsewhere, belongs_here } how;

    bool running_in_this_thread() const noexcept { return how == belongs_here; }
    template <class Function>
    void execute(Function f) const {
        if (how == runs_elsewhere)
            std::thread([g = std::move(f)]() mutable { g(); }).join();
    }
    strange_executor require(execution::blocking_t::never_t) const noexcept { return *this; }
    friend bool operator==(const strange_executor&, const strange_executor&) noexcept = default;
};

}  // namespace

TEST_CASE("a function that is destroyed ends the wait for it", "[context][blocking_executor]") {
    bool ran = false;
    const rill::blocking_executor ex(strange_executor{strange_executor::drops});
    ex.execute([&] { ran = true; });
    CHECK_FALSE(ran);
    CHECK(ex == rill::require(ex, execution::blocking.always));
}

TEST_CASE("execute() waits for a function that runs elsewhere", "[context][blocking_executor]") {
    std::thread::id there;
    const rill::blocking_executor ex(strange_executor{strange_executor::runs_elsewhere});
    ex.execute([&] { there = std::this_thread::get_id(); });
    CHECK(there != std::thread::id());
    CHECK(there != std::this_thread::get_id());
}

TEST_CASE("execute() calls the function where it belongs", "[context][blocking_executor]") {
    std::thread::id there;
    const rill::blocking_executor ex(strange_executor{strange_executor::belongs_here});
    ex.execute([&] { there = std::this_thread::get_id(); });
    CHECK(there == std::this_thread::get_id());
}

TEST_CASE("only a context with threads of its own lets one wait", "[context][blocking_executor]") {
    using always = execution::blocking_t::always_t;
    static_assert(rill::requirable_for<rill::thread_pool::executor_type, always>);
    static_assert(!rill::requirable_for<rill::io_context::executor_type, always>);
    SUCCEED();
}
