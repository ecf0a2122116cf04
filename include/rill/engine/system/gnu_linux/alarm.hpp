// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_SYSTEM(descriptor.hpp)

#include <chrono>
#include <sys/timerfd.h>

namespace rill::engine {

/// A handle that becomes readable at a point in time. Source: timerfd_create(2).
class alarm {
public:
    alarm() noexcept = default;
    alarm(const alarm&) = delete;
    alarm& operator=(const alarm&) = delete;
    ~alarm() { remove(); }

    bool exists() const noexcept { return handle_ != no_handle; }
    native_handle handle() const noexcept { return handle_; }

    /// False if the system refuses.
    bool create() noexcept {
        handle_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        return exists();
    }

    void remove() noexcept {
        if (exists())
            system::close(handle_);
        handle_ = no_handle;
    }

    /// Makes an edge at @p at, or now if that has passed, and none at the time that it was set to before.
    void set(std::chrono::steady_clock::time_point at) noexcept {
        const auto since = at.time_since_epoch().count();
        ::itimerspec when{};
        when.it_value.tv_sec = static_cast<::time_t>(since / 1'000'000'000);
        when.it_value.tv_nsec = static_cast<long>(since % 1'000'000'000);
        if (since <= 0)
            when.it_value = {0, 1};  // zero would disarm it
        ::timerfd_settime(handle_, TFD_TIMER_ABSTIME, &when, nullptr);
    }

private:
    native_handle handle_ = no_handle;
};

}  // namespace rill::engine
