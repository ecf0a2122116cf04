// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/properties.hpp>

#include <memory>

namespace rill {

template <class Blocking, class Relationship, class Allocator>
class basic_system_executor;
using system_executor =
    basic_system_executor<execution::blocking_t::possibly_t, execution::relationship_t::fork_t, std::allocator<void>>;

}  // namespace rill
