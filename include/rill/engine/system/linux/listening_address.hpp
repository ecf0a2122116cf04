// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_SYSTEM(descriptor.hpp)
#include RILL_SYSTEM(mutex.hpp)

#include <cerrno>
#include <chrono>
#include <sys/socket.h>

namespace rill::engine::system {

/// Where a listener listens that nobody else can listen at before its file has gone. Others may hold the file beyond its
/// close: io_uring's requests, whose threads let go of it in their own time.
class listening_address {
public:
    /// Notes nothing if @p handle does not listen, or another could listen there already.
    RILL_COLD inline void note(native_handle handle) noexcept {
        size_ = 0;
        ::socklen_t size = sizeof(address_);
        if (has_option(handle, SO_ACCEPTCONN) && !has_option(handle, SO_REUSEADDR) &&
            !has_option(handle, SO_REUSEPORT) &&
            ::getsockname(handle, reinterpret_cast<::sockaddr*>(&address_), &size) == 0 &&
            (address_.ss_family == AF_INET || address_.ss_family == AF_INET6))
            size_ = size;
    }
    bool is_noted() const noexcept { return size_ != 0; }

    /// Tries. A thread that has the file may be busy, or wait for this one: then it gives up. (But on a machine that has
    /// much to do it may not run for some tenths of a second.)
    RILL_COLD inline void wait_until_free() const noexcept {
        using namespace std::chrono;
        const int s = is_noted() ? ::socket(address_.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
        if (s < 0)
            return;
        const auto end = steady_clock::now() + seconds(1);
        while (::bind(s, reinterpret_cast<const ::sockaddr*>(&address_), size_) != 0 && errno == EADDRINUSE &&
               steady_clock::now() < end)
            yield_thread();
        system::close(s);
    }

private:
    static bool has_option(native_handle handle, int name) noexcept {
        int value = 0;
        ::socklen_t size = sizeof(value);
        return ::getsockopt(handle, SOL_SOCKET, name, &value, &size) == 0 && value != 0;
    }

    ::sockaddr_storage address_;
    ::socklen_t size_ = 0;  // 0: nothing is noted
};

}  // namespace rill::engine::system
