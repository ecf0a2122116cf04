// SPDX-License-Identifier: BSL-1.0
#pragma once

#include RILL_SYSTEM(descriptor.hpp)

#include RILL_KERNEL(new_descriptors.hpp)

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace rill::engine::system {

RILL_DECL error_code last_error() noexcept { return error_code(errno, boost::system::system_category()); }

RILL_DECL error_code close(native_handle handle) noexcept {
    return ::close(handle) == 0 || errno == EINTR ? error_code() : last_error();
}

RILL_DECL void abandon_file(native_handle handle, bool is_shared) noexcept {
    // Another thread may be in poll() with it, which keeps the file open: a listener would keep its port until then.
    int listens = 0;
    ::socklen_t size = sizeof(listens);
    if (!is_shared && ::getsockopt(handle, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens)
        ::shutdown(handle, SHUT_RDWR);
    int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0) {
        if (!is_shared)
            ::shutdown(handle, SHUT_RDWR);  // no descriptor to spare: the peer at least sees the end
        return;
    }
    replace_file(nothing, handle);
    ::close(nothing);
}

RILL_DECL error_code set_non_blocking(native_handle handle, bool on) noexcept {
    int value = on ? 1 : 0;
    return ::ioctl(handle, FIONBIO, &value) == 0 ? error_code() : last_error();
}

inline ::pollfd make_pollfd(native_handle handle, readiness wanted) noexcept {
    ::pollfd p{handle, 0, 0};
    if (wanted == readiness::read)
        p.events = POLLIN;
    else if (wanted == readiness::write)
        p.events = POLLOUT;
    else if (wanted == readiness::exceptional)
        p.events = POLLPRI;  // POLLERR and POLLHUP are reported anyway
    return p;
}

RILL_DECL bool is_ready(native_handle handle, readiness wanted) noexcept {
    ::pollfd p = make_pollfd(handle, wanted);
    int n;
    do
        n = ::poll(&p, 1, 0);
    while (n < 0 && errno == EINTR);
    return n != 0;
}

RILL_DECL bool wait_ready(native_handle handle, readiness wanted, std::chrono::nanoseconds timeout,
                          error_code& ec) noexcept {
    using namespace std::chrono;
    auto end = steady_clock::now() + timeout;
    for (;;) {
        ::pollfd p = make_pollfd(handle, wanted);
        int milliseconds_left = -1;
        if (timeout.count() >= 0) {
            auto left = ceil<milliseconds>(end - steady_clock::now()).count();
            milliseconds_left = static_cast<int>(left < 0 ? 0 : left > 1'000'000'000 ? 1'000'000'000 : left);
        }
        int n = ::poll(&p, 1, milliseconds_left);
        if (n < 0 && errno == EINTR)
            continue;
        ec = n < 0 ? last_error() : error_code();
        return n > 0;
    }
}

RILL_DECL void sleep_for(std::chrono::nanoseconds duration) noexcept {
    if (duration.count() <= 0)
        return;
    ::timespec left{};
    left.tv_sec = static_cast<::time_t>(duration.count() / 1'000'000'000);
    left.tv_nsec = static_cast<long>(duration.count() % 1'000'000'000);
    while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

}  // namespace rill::engine::system
