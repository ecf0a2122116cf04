// SPDX-License-Identifier: BSL-1.0
// expect: (?s)any_executor<.*tracked_t
// lines: 24
#include <rill/execution/any_executor.hpp>

using rill::execution::any_executor;
namespace execution = rill::execution;

void keep(const any_executor<execution::blocking_t::never_t>& ex) {
    rill::require(ex, execution::outstanding_work.tracked).execute([] {});
}
