// SPDX-License-Identifier: BSL-1.0
#include <rill/context/system_executor.hpp>

#include <support/catch.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <memory>
#include <thread>

using rill::system_executor;
namespace execution = rill::execution;

TEST_CASE("the system executor runs a function at once, unless it must not block", "[context][system_executor]") {
    const system_executor ex;
    std::thread::id there;
    ex.execute([&, unused = std::make_unique<int>()] { there = std::this_thread::get_id(); });
    CHECK(there == std::this_thread::get_id());

    const auto never = rill::require(ex, execution::blocking.never);
    CHECK(rill::query(never, execution::blocking) == execution::blocking_t(execution::blocking.never));
    std::atomic<bool> elsewhere{false};
    never.execute([&, here = std::this_thread::get_id()] { elsewhere = std::this_thread::get_id() != here; });
    CHECK(soon([&] { return elsewhere.load(); }));
}
