// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/windows/winsock.hpp>

/// The request by which select() asks the driver of sockets, AFD, for readiness; sent to a completion port instead. It is
/// not documented, but select() cannot do without it, and libuv, wepoll and mio send it too.
namespace rill::engine::afd {

inline constexpr ::ULONG poll_code = 0x00012024;  // IOCTL_AFD_POLL

inline constexpr ::ULONG poll_receive = 0x0001;
inline constexpr ::ULONG poll_receive_expedited = 0x0002;
inline constexpr ::ULONG poll_send = 0x0004;
inline constexpr ::ULONG poll_disconnect = 0x0008;
inline constexpr ::ULONG poll_abort = 0x0010;
inline constexpr ::ULONG poll_local_close = 0x0020;
inline constexpr ::ULONG poll_accept = 0x0080;
inline constexpr ::ULONG poll_connect_fail = 0x0100;

struct poll_handle {
    ::HANDLE handle;
    ::ULONG events;
    long status;
};

/// What goes in, and comes out: of one handle.
struct poll_information {
    ::LARGE_INTEGER timeout;
    ::ULONG count;
    ::ULONG exclusive;
    poll_handle handles[1];
};

}  // namespace rill::engine::afd
