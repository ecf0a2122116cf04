// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <typeinfo>

namespace rill::ip {

/// Thrown when an address is not of the version it is asked as.
class bad_address_cast : public std::bad_cast {
public:
    const char* what() const noexcept override { return "bad address cast"; }
};

}  // namespace rill::ip
