// SPDX-License-Identifier: BSL-1.0
#pragma once

// As on the BSDs.
#include <rill/engine/system/bsd/waker.hpp>
