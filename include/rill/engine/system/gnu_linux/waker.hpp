// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_SYSTEM(descriptor.hpp)

#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

namespace rill::engine {

/// A handle that becomes readable when another thread says so. Source: eventfd(2).
class waker {
public:
    /// Throws system_error if no descriptor is to be had.
    waker() { throw_if(renew(), "eventfd"); }
    waker(const waker&) = delete;
    waker& operator=(const waker&) = delete;
    ~waker() { system::close(handle_); }

    native_handle handle() const noexcept { return handle_; }

    /// Lets go of the handle that another process shares, and makes another. If there is none to be had, nothing has
    /// changed.
    error_code renew() noexcept {
        native_handle made = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (made < 0)
            return system::last_error();
        if (handle_ != no_handle)
            system::close(handle_);
        handle_ = made;
        return error_code();
    }

    /// Any thread. Each call makes an edge, also when nobody has read the last one.
    void wake() noexcept {
        std::uint64_t one = 1;
        // It fails only when the counter is at its limit: empty it and write again.
        while (::write(handle_, &one, sizeof(one)) < 0 && errno == EAGAIN)
            drain();
    }

    /// Whether there was something.
    bool drain() noexcept {
        std::uint64_t count;
        return ::read(handle_, &count, sizeof(count)) > 0;
    }

private:
    native_handle handle_ = no_handle;
};

}  // namespace rill::engine
