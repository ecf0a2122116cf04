// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/polymorphic_executor.hpp>
#include <rill/execution/prefer_only.hpp>
#include <rill/execution/properties.hpp>

namespace rill::engine {

struct completion_properties : property_list<execution::prefer_only<execution::outstanding_work_t::tracked_t>,
                                             execution::prefer_only<execution::outstanding_work_t::untracked_t>,
                                             execution::prefer_only<execution::relationship_t::fork_t>,
                                             execution::prefer_only<execution::relationship_t::continuation_t>> {};

}  // namespace rill::engine

namespace rill {

/// Any executor that a completion handler may have, in 32 bytes: an any_executor, which see, with the properties that
/// are preferred of those.
class any_completion_executor
    : public engine::polymorphic_executor<any_completion_executor, engine::completion_properties> {
public:
    using polymorphic_executor::polymorphic_executor;
};

}  // namespace rill
