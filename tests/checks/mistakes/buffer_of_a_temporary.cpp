// SPDX-License-Identifier: BSL-1.0
// expect: lasting_memory_needed_but_this_is_a_temporary__give_it_a_name
// lines: 18
#include <rill/core/buffer.hpp>

#include <string>

rill::const_buffer greeting() { return rill::buffer(std::string("hello")); }
