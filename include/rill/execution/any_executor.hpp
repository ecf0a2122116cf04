// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/polymorphic_executor.hpp>

namespace rill::execution {

/// Any executor that has the properties, each of which is one of these:
///
///   P               requirable, preferable or both: the target can be required to have P, and so can the any_executor;
///                   else the target can be asked for P, and so can the any_executor
///   prefer_only<P>  the target is preferred to have P, by prefer(); the any_executor cannot be required to have it
///
/// Asked for a property that its target does not know, an any_executor answers with a default value. It converts to one
/// that needs no more than it has; both then have the same target. How it is stored: erased_executor.
///
/// Result  of query(): P::polymorphic_query_result_type; of require() and prefer(): any_executor, with another target
/// Throws  bad_executor if there is no target: execute(), query(), require(), prefer()
///         std::bad_alloc for an executor of more than 16 bytes: the constructor; with std::nothrow it is then empty
template <class... SupportableProperties>
class any_executor : public engine::polymorphic_executor<any_executor<SupportableProperties...>,
                                                         engine::property_list<SupportableProperties...>> {
    using base = engine::polymorphic_executor<any_executor, engine::property_list<SupportableProperties...>>;

public:
    using base::base;
};

}  // namespace rill::execution
