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
    waker() : handle_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
        if (handle_ < 0)
            throw_if(system::last_error(), "eventfd");
    }
    waker(const waker&) = delete;
    waker& operator=(const waker&) = delete;
    ~waker() { system::close(handle_); }

    native_handle handle() const noexcept { return handle_; }

    /// Any thread. Each call makes an edge, also when nobody has read the last one.
    void wake() noexcept {
        std::uint64_t one = 1;
        // It fails only when the counter is at its limit: empty it and write again.
        while (::write(handle_, &one, sizeof(one)) < 0 && errno == EAGAIN)
            drain();
    }

    void drain() noexcept {
        std::uint64_t count;
        [[maybe_unused]] auto n = ::read(handle_, &count, sizeof(count));
    }

private:
    native_handle handle_;
};

}  // namespace rill::engine
