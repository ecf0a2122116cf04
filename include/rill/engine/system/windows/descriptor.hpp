// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

#include RILL_SYSTEM(native.hpp)

#include <chrono>

/// Calls on any open socket. Each reports a portable code, see portable_error().
namespace rill::engine::system {

/// The one number for what the layers of the system name differently: a driver's Win32 code, Winsock's code. Those that
/// have no name in rill::error stay as they are.
RILL_DECL int portable_error(int number) noexcept;

/// The same of what the kernel answers, which is not 0 (STATUS_SUCCESS).
RILL_DECL int portable_error_of_status(long status) noexcept;

inline error_code make_system_error(int portable) noexcept {
    return error_code(portable, boost::system::system_category());
}

/// The error of the Winsock call that has just failed.
RILL_DECL error_code last_error() noexcept;

/// Of a socket, or of anything else that has a handle.
RILL_DECL error_code close(native_handle handle) noexcept;

/// Ends the connection, or the listening, but does not free the number. A driver that can do better does.
RILL_DECL void abandon_file(native_handle handle) noexcept;

RILL_DECL error_code set_non_blocking(native_handle handle, bool on) noexcept;

/// What select() asks for and answers.
enum class readiness : short {
    none = 0,
    read = 1,
    write = 2,
    exceptional = 4,
};

/// Whether @p handle is ready in the way that @p wanted asks, or has an error to report.
RILL_DECL bool is_ready(native_handle handle, readiness wanted) noexcept;

/// Blocks until is_ready(), or until @p timeout has passed; below zero: for ever. False, and @p ec is clear, at the
/// time-out.
RILL_DECL bool wait_ready(native_handle handle, readiness wanted, std::chrono::nanoseconds timeout,
                          error_code& ec) noexcept;

/// Blocks this thread.
RILL_DECL void sleep_for(std::chrono::nanoseconds duration) noexcept;

}  // namespace rill::engine::system

#include RILL_BODY(descriptor.ipp)
