// SPDX-License-Identifier: BSL-1.0
#pragma once

// The one file that asks which platform this is. Everything else includes a folder's file through the macros below,
// or is not included at all on the platforms it is not for.
//
//   RILL_SYSTEM(file)  what a family of systems has in common
//   RILL_KERNEL(file)  what each system of the family has in its own way (some compilers have a macro named linux)
//   RILL_OWN_OBJECTS   the I/O objects that only this platform has
//   RILL_DRIVERS       the list of the platform's drivers; a program may name another for all of its units

#if defined(_WIN32) && defined(_WINSOCKAPI_) && !defined(_WINSOCK2API_) && !defined(__MINGW32__)
#error                                                                                                                 \
    "rill: <windows.h> has included the old <winsock.h>; define WIN32_LEAN_AND_MEAN, or include <winsock2.h> before it"
#endif

#if defined(__linux__)
#define RILL_SYSTEM(file) <rill/engine/system/posix/file>
#define RILL_KERNEL(file) <rill/engine/system/gnu_linux/file>
#elif defined(__APPLE__)
#define RILL_SYSTEM(file) <rill/engine/system/posix/file>
#define RILL_KERNEL(file) <rill/engine/system/darwin/file>
#elif defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || defined(__DragonFly__)
#define RILL_SYSTEM(file) <rill/engine/system/posix/file>
#define RILL_KERNEL(file) <rill/engine/system/bsd/file>
#elif defined(_WIN32)
#define RILL_SYSTEM(file) <rill/engine/system/windows/file>
#else
#error "rill: this platform is not supported yet; Linux, Windows, macOS and the BSDs are"
#endif

#if defined(_WIN32)
#define RILL_OWN_OBJECTS <rill/windows/objects.hpp>
#define RILL_DRIVER_BODIES <rill/engine/driver/windows_drivers.ipp>
#else
#define RILL_OWN_OBJECTS <rill/core/nothing.hpp>
#define RILL_DRIVER_BODIES <rill/engine/driver/posix_drivers.ipp>
#endif

#if defined(RILL_DRIVERS)
#elif defined(__linux__)
#define RILL_DRIVERS <rill/engine/driver/linux_drivers.hpp>
#elif defined(_WIN32)
#define RILL_DRIVERS <rill/engine/driver/windows_drivers.hpp>
#else
#define RILL_DRIVERS <rill/engine/driver/bsd_drivers.hpp>
#endif
