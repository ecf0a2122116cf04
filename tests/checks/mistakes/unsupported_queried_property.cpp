// SPDX-License-Identifier: BSL-1.0
// expect: (?s)plain_executor.*occupancy_t
// lines: 24
#include <rill/execution/executor.hpp>
#include <rill/execution/occupancy.hpp>

struct plain_executor {
    void execute(auto&& f) const { f(); }
    bool operator==(const plain_executor&) const = default;
};

std::size_t threads(plain_executor ex) { return rill::query(ex, rill::execution::occupancy); }
