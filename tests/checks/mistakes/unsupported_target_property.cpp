// SPDX-License-Identifier: BSL-1.0
// expect: (?s)plain_executor.*never_t
// lines: 24
#include <rill/execution/any_io_executor.hpp>
#include <rill/execution/execution_context.hpp>

struct plain_executor {
    rill::execution_context* owner;
    void execute(auto&& f) const { f(); }
    rill::execution_context& query(rill::execution::context_t) const { return *owner; }
    bool operator==(const plain_executor&) const = default;
};

rill::any_io_executor erased(plain_executor ex) { return ex; }
