// SPDX-License-Identifier: BSL-1.0
#pragma once

// The system's headers, as little of them as can be. What the user has set is left as it is; what is set here for their
// sake is taken back.

#if !defined(_WIN32_WINNT)
#define _WIN32_WINNT 0x0A00
#endif
#if !defined(WIN32_LEAN_AND_MEAN)
#define WIN32_LEAN_AND_MEAN
#define RILL_SET_WIN32_LEAN_AND_MEAN
#endif
#if !defined(NOMINMAX)
#define NOMINMAX
#define RILL_SET_NOMINMAX
#endif

#include <windows.h>
// MinGW's <windows.h> may have included the old <winsock.h>. Its <winsock2.h> gets along with that, but for a warning.
#if defined(_WINSOCKAPI_) && !defined(_WINSOCK2API_)
#undef _WINSOCKAPI_
#endif

#include <winsock2.h>
#include <ws2tcpip.h>

#if defined(RILL_SET_WIN32_LEAN_AND_MEAN)
#undef WIN32_LEAN_AND_MEAN
#undef RILL_SET_WIN32_LEAN_AND_MEAN
#endif
#if defined(RILL_SET_NOMINMAX)
#undef NOMINMAX
#undef RILL_SET_NOMINMAX
#endif
