// SPDX-License-Identifier: BSL-1.0
#pragma once

// The one file that asks which platform this is. Everything else includes a folder's file through the macros below,
// or is not included at all on the platforms it is not for.

#if defined(__linux__)
#define RILL_PLATFORM linux_platform
#define RILL_SYSTEM(file) <rill/engine/system/posix/file>
#define RILL_DRIVERS <rill/engine/driver/linux_drivers.hpp>
#else
#error "rill: this platform is not supported yet; Linux is"
#endif
