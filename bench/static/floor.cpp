// SPDX-License-Identifier: BSL-1.0

// The header that everything with Boost's error codes includes, and nothing else.

#include <boost/system/error_code.hpp>

int main() {}
