// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_SYSTEM(descriptor.hpp)
#include RILL_KERNEL(new_descriptors.hpp)

#include <unistd.h>
#include <utility>

namespace rill::engine {

/// A handle that becomes readable when another thread says so: a pipe. Source: POSIX.1-2024 pipe().
class waker {
public:
    /// Throws system_error if no descriptor is to be had.
    waker() { throw_if(renew(), "pipe"); }
    waker(const waker&) = delete;
    waker& operator=(const waker&) = delete;
    ~waker() { close_both(ends_); }

    native_handle handle() const noexcept { return ends_[0]; }

    /// Lets go of the handle that another process shares, and makes another. If there is none to be had, nothing has
    /// changed.
    error_code renew() noexcept {
        native_handle made[2];
        if (system::new_pipe(made) != 0)
            return system::last_error();
        std::swap(ends_, made);
        close_both(made);
        return error_code();
    }

    /// Any thread. Readable it stays until drain().
    void wake() noexcept {
        const char byte = 0;
        [[maybe_unused]] auto n = ::write(ends_[1], &byte, sizeof byte);  // a full pipe is readable
    }

    void drain() noexcept {
        char bytes[256];
        while (::read(ends_[0], bytes, sizeof bytes) == sizeof bytes) {
        }
    }

private:
    static void close_both(native_handle (&ends)[2]) noexcept {
        for (native_handle end : ends)
            if (end != no_handle)
                system::close(end);
    }

    native_handle ends_[2] = {no_handle, no_handle};
};

}  // namespace rill::engine
