// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_SYSTEM(descriptor.hpp)
#include RILL_SYSTEM(mutex.hpp)

#include <cerrno>
#include <chrono>
#include <sys/socket.h>

namespace rill::engine::system {

/// Where a listener listens: others may hold its file beyond its close, and so the address. io_uring's requests do, whose
/// threads let go of it in their own time.
class listening_address {
public:
    /// Notes nothing if @p handle does not listen.
    RILL_COLD inline void note(native_handle handle) noexcept {
        listens_ = has_option(handle, SO_ACCEPTCONN);
        ::socklen_t size = sizeof(address_);
        // Where others may listen at the same time nothing can be found out by trying.
        if (listens_ && !has_option(handle, SO_REUSEADDR) && !has_option(handle, SO_REUSEPORT) &&
            ::getsockname(handle, reinterpret_cast<::sockaddr*>(&address_), &size) == 0 &&
            (address_.ss_family == AF_INET || address_.ss_family == AF_INET6))
            size_ = size;
    }
    bool is_noted() const noexcept { return listens_; }

    /// Tries for a moment: a thread that has done with the file may not have let go of it. (Connections that were accepted
    /// there hold the address, too.)
    RILL_COLD inline void wait_until_free() const noexcept {
        using namespace std::chrono;
        const int s = size_ != 0 ? ::socket(address_.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
        if (s < 0)
            return;
        const auto end = steady_clock::now() + milliseconds(10);
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
    ::socklen_t size_ = 0;  // 0: it is not to be tried
    bool listens_ = false;
};

}  // namespace rill::engine::system
