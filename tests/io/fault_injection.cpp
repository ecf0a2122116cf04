// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_socket_acceptor.hpp>

#include "loopback.hpp"

#include <rill/io/steady_timer.hpp>
#include <rill/local/connect_pair.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <dirent.h>
#include <fcntl.h>
#include <functional>
#include <iterator>
#include <memory>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <type_traits>
#include <unistd.h>
#include <vector>

// The linker sends the program's system calls through the functions below (tests/CMakeLists.txt has the list), which
// pass them on, unless a test here has asked that one of them fails.

using namespace loopback;
using rill::buffer;
using rill::error_code;
namespace error = rill::error;

namespace {

enum class call { accept, connect, epoll_add, epoll_wait, getsockopt, poll, ppoll, receive, send, socket, system };

class fault_switch {
public:
    /// Counts the calls from now on, and lets number @p n fail with @p error.
    void start(int n, int error) {
        calls.clear();
        fails_at_ = n;
        error_ = error;
        on_.store(true, std::memory_order_relaxed);
    }
    void stop() { on_.store(false, std::memory_order_relaxed); }

    bool on() const { return on_.load(std::memory_order_relaxed); }
    bool fails(call c) {
        if (!on())
            return false;
        calls.push_back(c);
        if (static_cast<int>(calls.size()) - 1 != fails_at_ && !(every_ && every_ == c))
            return false;
        errno = error_;
        return true;
    }
    /// From now on every call of this kind fails.
    void every(call c, int error) {
        start(-1, error);
        every_ = c;
    }
    void every_no_more() {
        stop();
        every_.reset();
    }

    std::vector<call> calls;

private:
    std::atomic<bool> on_{false};  // the other tests of this program run threads; those here do not
    int fails_at_ = -1;
    int error_ = 0;
    std::optional<call> every_;
};

fault_switch faults;

template <class Real, class... Args>
auto pass(call c, Real real, Args... args) -> decltype(real(args...)) {
    if (faults.fails(c))
        return static_cast<decltype(real(args...))>(-1);
    return real(args...);
}

}  // namespace

extern "C" {

int __real_accept4(int, ::sockaddr*, ::socklen_t*, int);
int __real_connect(int, const ::sockaddr*, ::socklen_t);
int __real_epoll_ctl(int, int, int, ::epoll_event*);
int __real_epoll_wait(int, ::epoll_event*, int, int);
int __real_getsockopt(int, int, int, void*, ::socklen_t*);
int __real_poll(::pollfd*, ::nfds_t, int);
int __real_ppoll(::pollfd*, ::nfds_t, const ::timespec*, const ::sigset_t*);
::ssize_t __real_recv(int, void*, std::size_t, int);
::ssize_t __real_recvmsg(int, ::msghdr*, int);
::ssize_t __real_send(int, const void*, std::size_t, int);
::ssize_t __real_sendmsg(int, const ::msghdr*, int);
int __real_socket(int, int, int);
long __real_syscall(long, ...);

int __wrap_accept4(int s, ::sockaddr* a, ::socklen_t* n, int f) {
    return pass(call::accept, &__real_accept4, s, a, n, f);
}
int __wrap_connect(int s, const ::sockaddr* a, ::socklen_t n) {
    // Interrupted, the attempt goes on by itself.
    const int result = __real_connect(s, a, n);
    const int code = errno;
    if (faults.fails(call::connect))
        return -1;
    errno = code;
    return result;
}
int __wrap_epoll_ctl(int e, int what, int s, ::epoll_event* event) {
    if (what != EPOLL_CTL_ADD)  // the others need no memory, and do not fail
        return __real_epoll_ctl(e, what, s, event);
    return pass(call::epoll_add, &__real_epoll_ctl, e, what, s, event);
}
int __wrap_epoll_wait(int e, ::epoll_event* events, int n, int timeout) {
    return pass(call::epoll_wait, &__real_epoll_wait, e, events, n, timeout);
}
int __wrap_getsockopt(int s, int level, int name, void* value, ::socklen_t* n) {
    return pass(call::getsockopt, &__real_getsockopt, s, level, name, value, n);
}
int __wrap_poll(::pollfd* p, ::nfds_t n, int timeout) { return pass(call::poll, &__real_poll, p, n, timeout); }
int __wrap_ppoll(::pollfd* p, ::nfds_t n, const ::timespec* timeout, const ::sigset_t* mask) {
    return pass(call::ppoll, &__real_ppoll, p, n, timeout, mask);
}
::ssize_t __wrap_recv(int s, void* p, std::size_t n, int f) { return pass(call::receive, &__real_recv, s, p, n, f); }
::ssize_t __wrap_recvmsg(int s, ::msghdr* m, int f) { return pass(call::receive, &__real_recvmsg, s, m, f); }
::ssize_t __wrap_send(int s, const void* p, std::size_t n, int f) { return pass(call::send, &__real_send, s, p, n, f); }
::ssize_t __wrap_sendmsg(int s, const ::msghdr* m, int f) { return pass(call::send, &__real_sendmsg, s, m, f); }
int __wrap_socket(int family, int type, int protocol) {
    return pass(call::socket, &__real_socket, family, type, protocol);
}
long __wrap_syscall(long number, ...) {
    std::va_list list;
    va_start(list, number);
    long a[6];
    for (long& each : a)
        each = va_arg(list, long);
    va_end(list);
    if (faults.fails(call::system))
        return -1;
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

}  // extern "C"

namespace {

/// What each call may report, and the library has to live with.
std::vector<int> plausible_errors(call c) {
    switch (c) {
    case call::accept: return {EINTR, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO, EPERM};
    case call::connect: return {EINTR, ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, ETIMEDOUT, EACCES};
    case call::epoll_add: return {ENOMEM, ENOSPC};
    case call::epoll_wait: return {EINTR};
    case call::getsockopt: return {ENOBUFS};
    case call::poll: return {EINTR};
    case call::ppoll: return {EINTR, ENOMEM};
    case call::receive: return {EINTR, ECONNRESET, ETIMEDOUT, ENOMEM, EHOSTUNREACH};
    case call::send: return {EINTR, EPIPE, ECONNRESET, ENOBUFS, ENOMEM};
    case call::socket: return {EMFILE, ENFILE, ENOBUFS, ENOMEM};
    case call::system: return {EINTR, ENOSYS, EPERM};
    }
    return {};
}

/// Whether the user has to be told of it: not if the call is only repeated, or another one takes its place.
bool is_hidden(call c, int code) {
    return code == EINTR || c == call::epoll_wait || c == call::ppoll || c == call::system ||
           (c == call::accept && code == ECONNABORTED);
}

std::size_t open_descriptors() {
    std::size_t n = 0;
    ::DIR* directory = ::opendir("/proc/self/fd");
    REQUIRE(directory);
    while (::readdir(directory))
        ++n;
    ::closedir(directory);
    return n;
}

/// An operation under test: objects, made without faults.
class subject {
public:
    virtual ~subject() = default;
    virtual void start(answer& a) = 0;
    /// What the other side does, so that the operation completes.
    virtual void go_on() = 0;
    /// Whether a failed operation may be tried again on the same object.
    virtual bool may_repeat() const { return true; }

    rill::io_context io{GENERATE_COPY(from_hint())};

private:
    static Catch::Generators::GeneratorWrapper<int> from_hint() { return Catch::Generators::value(1); }
};

}  // namespace
