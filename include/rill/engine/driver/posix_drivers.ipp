// SPDX-License-Identifier: BSL-1.0
#pragma once

// The bodies of the platform's drivers.

#include <rill/engine/driver/perform.ipp>
#include <rill/engine/driver/reactor.ipp>
