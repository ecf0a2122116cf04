// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_socket_acceptor.hpp>

#include <support/capabilities.hpp>

#if TEST_HAS_REACTOR

#include "loopback.hpp"

#include <rill/io/steady_timer.hpp>
#include <rill/local/connect_pair.hpp>
#include <support/kqueue/emulation.hpp>

#include <support/ring_tap.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <dirent.h>
#include <optional>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <type_traits>
#include <unistd.h>
#include <vector>

// The linker sends the program's system calls through the functions below (tests/CMakeLists.txt has the list), which
// pass them on, unless a test here has asked that one of them fails. With io_uring it is the entries of the ring that
// fail, beside the calls that it still makes.

using namespace loopback;
using rill::buffer;
using rill::error_code;
namespace error = rill::error;

namespace {

enum class call {
    accept,
    connect,
    epoll_add,
    epoll_wait,
    getsockopt,
    kevent_add,
    kevent_wait,
    poll,
    ppoll,
    receive,
    send,
    socket,
    alarm,
    ring_accept,
    ring_connect,
    ring_poll,
    ring_receive,
    ring_send,
};

/// What an entry of a ring asks for.
std::optional<call> call_of(const ::io_uring_sqe& e) {
    switch (e.opcode) {
    case IORING_OP_ACCEPT: return call::ring_accept;
    case IORING_OP_CONNECT: return call::ring_connect;
    case IORING_OP_POLL_ADD: return call::ring_poll;
    case IORING_OP_RECV:
    case IORING_OP_RECVMSG: return call::ring_receive;
    case IORING_OP_SEND:
    case IORING_OP_SENDMSG: return call::ring_send;
    default: return {};
    }
}

/// Whether it is @p of, whichever way that call is made.
bool is_same(call c, call of) {
    return c == of || (c == call::ring_accept && of == call::accept) ||
           (c == call::ring_connect && of == call::connect) || (c == call::ring_receive && of == call::receive) ||
           (c == call::ring_send && of == call::send);
}

class fault_switch {
public:
    /// Counts the calls from now on, and lets number @p n fail with @p error.
    void start(int n, int error) {
        calls.clear();
        fails_at_ = n;
        error_ = error;
        on_.store(true, std::memory_order_relaxed);
        the_ring_tap().start([this](::io_uring_sqe& e) { return result_of(e); });
    }
    void stop() {
        the_ring_tap().stop();
        on_.store(false, std::memory_order_relaxed);
    }

    bool on() const { return on_.load(std::memory_order_relaxed); }
    bool fails(call c) {
        if (!on())
            return false;
        calls.push_back(c);
        if (static_cast<int>(calls.size()) - 1 != fails_at_ && !(every_ && is_same(c, *every_)))
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
    std::optional<int> result_of(const ::io_uring_sqe& e);

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
int __real_kevent(int, const struct kevent*, int, struct kevent*, int, const ::timespec*);
int __real_poll(::pollfd*, ::nfds_t, int);
int __real_ppoll(::pollfd*, ::nfds_t, const ::timespec*, const ::sigset_t*);
::ssize_t __real_recv(int, void*, std::size_t, int);
::ssize_t __real_recvmsg(int, ::msghdr*, int);
::ssize_t __real_send(int, const void*, std::size_t, int);
::ssize_t __real_sendmsg(int, const ::msghdr*, int);
int __real_socket(int, int, int);
int __real_timerfd_create(int, int);

int last_alarm = -1;

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
    const bool adds_alarm = s == last_alarm;
    if (adds_alarm)
        last_alarm = -1;  // the number may come back as another handle's
    return pass(adds_alarm ? call::alarm : call::epoll_add, &__real_epoll_ctl, e, what, s, event);
}
int __wrap_epoll_wait(int e, ::epoll_event* events, int n, int timeout) {
    return pass(call::epoll_wait, &__real_epoll_wait, e, events, n, timeout);
}
int __wrap_getsockopt(int s, int level, int name, void* value, ::socklen_t* n) {
    return pass(call::getsockopt, &__real_getsockopt, s, level, name, value, n);
}
int __wrap_kevent(int q, const struct kevent* changes, int n, struct kevent* events, int m, const ::timespec* timeout) {
    if (n != 0 && !(changes->flags & EV_ADD))
        return __real_kevent(q, changes, n, events, m, timeout);  // that one cannot be deleted is ignored
    return pass(n != 0 ? call::kevent_add : call::kevent_wait, &__real_kevent, q, changes, n, events, m, timeout);
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
int __wrap_timerfd_create(int clock, int flags) {
    last_alarm = pass(call::alarm, &__real_timerfd_create, clock, flags);
    return last_alarm;
}

}  // extern "C"

namespace {

std::optional<int> fault_switch::result_of(const ::io_uring_sqe& e) {
    const auto c = ring_tap::is_request(e) ? call_of(e) : std::nullopt;
    if (!c || !fails(*c))
        return {};
    const int error = errno;
    if (c == call::ring_connect)  // whatever becomes of the request, the attempt goes on by itself
        static_cast<void>(__real_connect(e.fd, reinterpret_cast<const ::sockaddr*>(static_cast<std::uintptr_t>(e.addr)),
                                         static_cast<::socklen_t>(e.off)));
    return -error;
}

/// What each call may report, and the library has to live with.
std::vector<int> plausible_errors(call c) {
    switch (c) {
    case call::accept: return {EINTR, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO, EPERM};
    case call::connect: return {EINTR, ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, ETIMEDOUT, EACCES};
    case call::epoll_add: return {ENOMEM, ENOSPC};
    case call::epoll_wait: return {EINTR};
    case call::getsockopt: return {ENOBUFS};
    case call::kevent_add: return {ENOMEM};
    case call::kevent_wait: return {EINTR};
    case call::poll: return {EINTR};
    case call::ppoll: return {EINTR, ENOMEM};
    case call::receive: return {EINTR, ECONNRESET, ETIMEDOUT, ENOMEM, EHOSTUNREACH};
    case call::send: return {EINTR, EPIPE, ECONNRESET, ENOBUFS, ENOMEM};
    case call::socket: return {EMFILE, ENFILE, ENOBUFS, ENOMEM};
    case call::alarm: return {EMFILE, ENFILE, ENOMEM};
    // Unasked ECANCELED and EFAULT: the thread that submitted it has ended.
    case call::ring_accept:
        return {ECANCELED, EINTR, EFAULT, EAGAIN, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO, EPERM};
    case call::ring_connect:
        return {ECANCELED, EINTR, EFAULT, EINPROGRESS, ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, ETIMEDOUT, EACCES};
    case call::ring_poll: return {ECANCELED, EINTR, ENOMEM};
    case call::ring_receive: return {ECANCELED, EINTR, EFAULT, EAGAIN, ECONNRESET, ETIMEDOUT, ENOMEM, EHOSTUNREACH};
    case call::ring_send: return {ECANCELED, EINTR, EFAULT, EAGAIN, EPIPE, ECONNRESET, ENOBUFS, ENOMEM};
    }
    return {};
}

/// Whether the user has to be told of it: not if the call is only repeated, or another one takes its place.
bool is_hidden(call c, int code) {
    if (c == call::ring_accept && (code == EMFILE || code == ENFILE))
        return true;  // the kernel asks for a descriptor before there is a connection
    return code == EINTR || code == ECANCELED || code == EFAULT || code == EAGAIN || code == EINPROGRESS ||
           c == call::epoll_wait || c == call::kevent_wait || c == call::ppoll || c == call::alarm ||
           (is_same(c, call::accept) && code == ECONNABORTED);
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

/// An operation under test. Its objects are made without faults.
struct subject {
    explicit subject(int hint) : io(hint) {}
    subject(const subject&) = delete;
    virtual ~subject() = default;

    /// Starts the operation.
    virtual void start(answer& a) = 0;
    /// Lets the other side do what the operation waits for.
    virtual void go_on() {}
    /// Makes the objects usable again after an error that was theirs alone.
    virtual void restore() {}

    rill::io_context io;
};

struct connected_subject : subject {
    explicit connected_subject(int hint) : subject(hint), pair(io) {}
    void peer_sends() { CHECK(::write(pair.second.native_handle(), "abc", 3) == 3); }
    tcp_pair pair;
    char data[2][4]{};
};

struct reading : connected_subject {
    using connected_subject::connected_subject;
    void start(answer& a) override { pair.first.async_read_some(buffer(data[0]), a.handler()); }
    void go_on() override { peer_sends(); }
};

struct scattering : connected_subject {
    using connected_subject::connected_subject;
    void start(answer& a) override {
        pair.first.async_read_some(std::array{buffer(data[0]), buffer(data[1])}, a.handler());
    }
    void go_on() override { peer_sends(); }
};

struct reading_what_is_there : connected_subject {
    using connected_subject::connected_subject;
    void start(answer& a) override {
        peer_sends();
        pair.first.async_read_some(buffer(data[0]), a.handler());
    }
};

struct writing : connected_subject {
    using connected_subject::connected_subject;
    void start(answer& a) override { pair.first.async_write_some(buffer("abc", 3), a.handler()); }
};

struct gathering_after_a_wait : connected_subject {
    explicit gathering_after_a_wait(int hint) : connected_subject(hint) { fill(pair.first); }
    void start(answer& a) override {
        pair.first.async_write_some(std::array{buffer("abc", 3), buffer("de", 2)}, a.handler());
    }
    void go_on() override {
        static char received[65536];
        for (;;) {
            ::pollfd readable{pair.second.native_handle(), POLLIN, 0};
            ::pollfd writable{pair.first.native_handle(), POLLOUT, 0};
            if (__real_poll(&writable, 1, 0) > 0)
                return;
            if (__real_poll(&readable, 1, 100) > 0)
                CHECK(::read(pair.second.native_handle(), received, sizeof(received)) > 0);
        }
    }
};

struct waiting : connected_subject {
    using connected_subject::connected_subject;
    void start(answer& a) override { pair.first.async_wait(tcp::socket::wait_read, a.handler()); }
    void go_on() override { peer_sends(); }
};

struct local_reading : subject {
    explicit local_reading(int hint) : subject(hint), first(io), second(io) {
        rill::local::connect_pair(first, second);
    }
    void start(answer& a) override { first.async_read_some(buffer(data), a.handler()); }
    void go_on() override { CHECK(::write(second.native_handle(), "abc", 3) == 3); }
    rill::local::stream_protocol::socket first, second;
    char data[4]{};
};

struct accepting : subject {
    explicit accepting(int hint) : subject(hint), acceptor(io, any_port()), accepted(io) {}
    ~accepting() override {
        if (client >= 0)
            ::close(client);
    }
    void start(answer& a) override { acceptor.async_accept(accepted, a.handler()); }
    void go_on() override {
        if (client >= 0)
            return;
        client = __real_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const tcp::endpoint to = acceptor.local_endpoint();
        CHECK(__real_connect(client, to.data(), static_cast<::socklen_t>(to.size())) == 0);
    }
    void restore() override { accepted.close(); }
    tcp::acceptor acceptor;
    tcp::socket accepted;
    int client = -1;
};

struct connecting : subject {
    explicit connecting(int hint)
        : subject(hint), acceptor(io, any_port()), socket(io), to(acceptor.local_endpoint()) {}
    void start(answer& a) override { socket.async_connect(to, a.handler()); }
    void restore() override { socket.close(); }
    tcp::acceptor acceptor;
    tcp::socket socket;
    tcp::endpoint to;
};

struct expiring : subject {
    explicit expiring(int hint) : subject(hint), timer(io) {}
    void start(answer& a) override {
        timer.expires_after(1ms);
        timer.async_wait(a.handler());
    }
    rill::steady_timer timer;
};

/// Runs the operation; call number @p n fails with @p code. Returns the calls that were made.
std::vector<call> run_with_fault(subject& s, answer& a, int n, int code) {
    s.io.restart();
    faults.start(n, code);
    s.start(a);
    CHECK(a.calls == 0);
    s.io.poll();
    s.go_on();
    s.io.restart();
    s.io.run_for(10s);
    faults.stop();
    CHECK(s.io.stopped());
    return faults.calls;
}

template <class Subject>
void check_faults() {
    for (const int hint : {solo, shared}) {
        std::vector<call> made;
        {
            Subject s(hint);
            answer a;
            made = run_with_fault(s, a, -1, 0);
            CHECK(a.succeeded());
        }
        if (made.empty())  // of all here only a timer may do without
            REQUIRE(std::is_same_v<Subject, expiring>);
        for (std::size_t i = 0; i < made.size(); ++i) {
            for (const int code : plausible_errors(made[i])) {
                CAPTURE(hint, i, static_cast<int>(made[i]), code);
                const std::size_t descriptors = open_descriptors();
                {
                    Subject s(hint);
                    answer a;
                    const auto calls = run_with_fault(s, a, static_cast<int>(i), code);
                    CHECK(a.calls == 1);
                    CHECK(calls.size() <= made.size() + 10);
                    CHECK((calls.size() <= i || calls[i] == made[i]));
                    if (is_hidden(made[i], code))
                        CHECK_FALSE(a.ec);
                    else
                        CHECK(a.ec.value() == code);
                    if (a.ec)
                        s.restore();

                    // What failed has lost nothing.
                    answer again;
                    s.io.restart();
                    if (a.ec) {
                        run_with_fault(s, again, -1, 0);
                        CHECK(again.succeeded());
                    }
                }
                CHECK(open_descriptors() == descriptors);
            }
        }
    }
}

/// Whether calls come through the functions above at all.
bool is_linked_in() {
    faults.start(0, EDOM);
    const int s = ::socket(AF_INET, SOCK_STREAM, 0);
    faults.stop();
    if (s >= 0)
        ::close(s);
    return s < 0;
}

}  // namespace

TEST_CASE("calls can be made to fail", "[io][fault_injection]") { REQUIRE(is_linked_in()); }

TEMPLATE_TEST_CASE("an operation completes once, whichever of its system calls fails", "[io][fault_injection]", reading,
                   scattering, reading_what_is_there, writing, gathering_after_a_wait, waiting, local_reading,
                   accepting, connecting, expiring) {
    const kqueue_emulation::calm calm;
    check_faults<TestType>();
}

TEST_CASE("an aborted connection is the user's to see if he asks for it", "[io][fault_injection]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::acceptor acceptor(io, any_port());
    acceptor.set_option(tcp::acceptor::enable_connection_aborted(true));
    tcp::socket s(io), client(io);
    client.connect(acceptor.local_endpoint());
    answer accept, next;
    faults.every(call::accept, ECONNABORTED);
    acceptor.async_accept(s, accept.handler());
    run(io);
    error_code ec;
    acceptor.accept(s, ec);
    faults.every_no_more();
    CHECK(accept.ec == error::connection_aborted);
    CHECK(ec == error::connection_aborted);
    acceptor.async_accept(s, next.handler());
    run(io);
    CHECK(next.succeeded());
}

TEST_CASE("a system without a timer descriptor to spare is waited in by other means, without spinning",
          "[io][fault_injection]") {
    rill::io_context io(GENERATE(solo, shared));
    rill::steady_timer timer(io, 20ms);
    answer wait;
    timer.async_wait(wait.handler());
    faults.every(call::alarm, EMFILE);
    run(io);
    const std::size_t calls = faults.calls.size();
    faults.every_no_more();
    CHECK(wait.succeeded());
    CHECK(calls < 20);
}

TEST_CASE("the initiating functions of objects report what the system refuses", "[io][fault_injection]") {
    rill::io_context io;
    tcp::socket socket(io);
    for (const int code : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES}) {
        faults.every(call::socket, code);
        error_code ec;
        socket.open(tcp::v4(), ec);
        error_code connect_ec;
        socket.connect(any_port(), connect_ec);
        faults.every_no_more();
        CHECK(ec.value() == code);
        CHECK(connect_ec.value() == code);
        CHECK_FALSE(socket.is_open());
    }
}

TEST_CASE("synchronous operations go on after a signal", "[io][fault_injection]") {
    rill::io_context io;
    tcp::acceptor acceptor(io, any_port());
    tcp::socket client(io);
    char data[4];
    for (int i = 0; i < 4; ++i) {
        faults.start(i, EINTR);
        client.connect(acceptor.local_endpoint());
        tcp::socket peer = acceptor.accept();
        CHECK(client.send(buffer("abc", 3)) == 3);
        CHECK(peer.receive(std::array{buffer(data, 1), buffer(data + 1, 2)}) == 3);
        faults.stop();
        client.close();
    }
}

#endif
