// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>

namespace rill::execution {

/// Thrown by a polymorphic executor that has no target.
class bad_executor : public std::exception {
public:
    const char* what() const noexcept override { return "rill: bad executor"; }
};

}  // namespace rill::execution
