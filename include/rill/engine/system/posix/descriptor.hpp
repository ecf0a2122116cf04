// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

#include RILL_SYSTEM(native.hpp)

#include <chrono>

/// Calls on any open file. Each hides EINTR and reports the system's own code.
namespace rill::engine::system {

/// The error of the call that has just failed.
RILL_DECL error_code last_error() noexcept;

/// Source  POSIX.1-2024 close(); after EINTR Linux has closed the descriptor, so it is not tried again
RILL_DECL error_code close(native_handle handle) noexcept;

/// Lets go of the open file behind @p handle at once, though the number stays taken until close(): for a number that
/// another thread may be about to use. Calls on it fail from now on. @p is_shared: another process has the file too, and
/// must not notice.
RILL_DECL void abandon_file(native_handle handle, bool is_shared = false) noexcept;

RILL_DECL error_code set_non_blocking(native_handle handle, bool on) noexcept;

/// What poll() asks for and answers.
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
