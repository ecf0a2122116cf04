// SPDX-License-Identifier: BSL-1.0
#pragma once

// The one file that asks which platform this is. Everything else includes a folder's file through the macros below,
// or is not included at all on the platforms it is not for.

#if defined(__linux__)
#define RILL_PLATFORM linux_platform
#define RILL_SYSTEM(file) <rill/engine/system/posix/file>
#define RILL_DRIVERS <rill/engine/driver/linux_drivers.hpp>
#define RILL_DRIVER_BODIES <rill/engine/driver/linux_drivers.ipp>
#elif defined(_WIN32)
#if defined(_WINSOCKAPI_) && !defined(_WINSOCK2API_) && !defined(__MINGW32__)
#error                                                                                                                 \
    "rill: <windows.h> has included the old <winsock.h>; define WIN32_LEAN_AND_MEAN, or include <winsock2.h> before it"
#endif
#define RILL_PLATFORM windows_platform
#define RILL_SYSTEM(file) <rill/engine/system/windows/file>
#define RILL_DRIVERS <rill/engine/driver/windows_drivers.hpp>
#define RILL_DRIVER_BODIES <rill/engine/driver/windows_drivers.ipp>
#else
#error "rill: this platform is not supported yet; Linux and Windows are"
#endif
