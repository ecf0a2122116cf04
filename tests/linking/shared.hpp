// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/rill.hpp>

rill::error_code answer_of_a(rill::io_context& ctx);
rill::error_code answer_of_b(rill::io_context& ctx);
