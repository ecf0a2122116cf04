// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/context_as.hpp>
#include <rill/execution/execution_context.hpp>
#include <rill/execution/polymorphic_executor.hpp>
#include <rill/execution/prefer_only.hpp>
#include <rill/execution/properties.hpp>

namespace rill::engine {

struct io_properties : property_list<execution::context_as_t<execution_context&>, execution::blocking_t::never_t,
                                     execution::prefer_only<execution::blocking_t::possibly_t>,
                                     execution::prefer_only<execution::outstanding_work_t::tracked_t>,
                                     execution::prefer_only<execution::outstanding_work_t::untracked_t>,
                                     execution::prefer_only<execution::relationship_t::fork_t>,
                                     execution::prefer_only<execution::relationship_t::continuation_t>> {};

}  // namespace rill::engine

namespace rill {

/// Any executor that is good for I/O, in 32 bytes: an any_executor, which see, with the properties that I/O objects use.
class any_io_executor : public engine::polymorphic_executor<any_io_executor, engine::io_properties> {
public:
    using polymorphic_executor::polymorphic_executor;

    /// The context, as Asio's I/O objects ask for it.
    execution_context& context() const { return query(execution::context); }
};

}  // namespace rill
