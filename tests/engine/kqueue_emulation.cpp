// SPDX-License-Identifier: BSL-1.0
#include <support/capabilities.hpp>

#if TEST_HAS_KQUEUE

#include <sys/event.h>

#include <support/catch.hpp>
#include <support/kqueue/emulation.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <set>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

// What the kernels of the BSDs and of macOS do, and the emulation of tests/support/kqueue does too; at the end what it does
// otherwise. The facts were seen on NetBSD's kernel, or read in the sources of FreeBSD and of XNU.

namespace {

using event = struct kevent;

class kernel_queue {
public:
    kernel_queue() : descriptor_(::kqueue()) { REQUIRE(descriptor_ >= 0); }
    kernel_queue(const kernel_queue&) = delete;
    kernel_queue& operator=(const kernel_queue&) = delete;
    ~kernel_queue() { ::close(descriptor_); }

    int descriptor() const { return descriptor_; }

    static event change(int descriptor, int filter, int flags, void* udata = nullptr) {
        event e{};
        e.ident = static_cast<std::uintptr_t>(descriptor);
        e.filter = static_cast<std::int16_t>(filter);
        e.flags = static_cast<std::uint16_t>(flags);
        e.udata = udata;
        return e;
    }

    /// 0 or the error number.
    int apply(int descriptor, int filter, int flags, void* udata = nullptr) {
        const event e = change(descriptor, filter, flags, udata);
        return ::kevent(descriptor_, &e, 1, nullptr, 0, nullptr) == 0 ? 0 : errno;
    }

    std::vector<event> take(int room = 16) {
        std::vector<event> events(static_cast<std::size_t>(room));
        const ::timespec at_once{};
        const int n = ::kevent(descriptor_, nullptr, 0, events.data(), room, &at_once);
        REQUIRE(n >= 0);
        events.resize(static_cast<std::size_t>(n));
        return events;
    }
    bool is_silent() { return take().empty(); }

    /// Waits for the one event that must come.
    event wait() {
        event e{};
        const ::timespec long_time{10, 0};
        REQUIRE(::kevent(descriptor_, nullptr, 0, &e, 1, &long_time) == 1);
        return e;
    }

    /// Waits until as many filters have reported.
    std::vector<event> wait_for(std::size_t n) {
        std::vector<event> events;
        while (events.size() < n)
            events.push_back(wait());
        return events;
    }

private:
    int descriptor_;
};

struct fixture {
    ~fixture() {
        for (int descriptor : opened)
            ::close(descriptor);
    }
    int keep(int descriptor) {
        REQUIRE(descriptor >= 0);
        opened.push_back(descriptor);
        return descriptor;
    }
    int tcp() { return keep(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)); }
    int udp() { return keep(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)); }
    ::sockaddr_in bound(int s) {
        ::sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::socklen_t size = sizeof address;
        REQUIRE(::bind(s, reinterpret_cast<::sockaddr*>(&address), size) == 0);
        REQUIRE(::getsockname(s, reinterpret_cast<::sockaddr*>(&address), &size) == 0);
        return address;
    }
    static int connect(int s, const ::sockaddr_in& to) {
        return ::connect(s, reinterpret_cast<const ::sockaddr*>(&to), sizeof to);
    }
    void open_pair() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        a = keep(ends[0]);
        b = keep(ends[1]);
    }
    /// A TCP connection: a, and b that was accepted.
    void connect_pair() {
        const int listener = tcp();
        const ::sockaddr_in address = bound(listener);
        REQUIRE(::listen(listener, 4) == 0);
        a = tcp();
        connect(a, address);
        kernel_queue until;
        REQUIRE(until.apply(listener, EVFILT_READ, EV_ADD) == 0);
        until.wait();
        b = keep(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK));
    }
    void send(int s, const std::string& text) {
        REQUIRE(::send(s, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<::ssize_t>(text.size()));
    }
    void receive(int s, std::size_t n) {
        std::string text(n, ' ');
        REQUIRE(::recv(s, text.data(), n, 0) == static_cast<::ssize_t>(n));
    }
    void reset(int s) {
        const ::linger at_once{1, 0};
        REQUIRE(::setsockopt(s, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
        opened.erase(std::find(opened.begin(), opened.end(), s));
        ::close(s);
    }
    static int pending_error(int s) {
        int value = 0;
        ::socklen_t size = sizeof value;
        REQUIRE(::getsockopt(s, SOL_SOCKET, SO_ERROR, &value, &size) == 0);
        return value;
    }

    const kqueue_emulation::calm calm;
    kernel_queue queue;
    std::vector<int> opened;
    int a = -1, b = -1;
};

std::set<int> filters_of(const std::vector<event>& events) {
    std::set<int> filters;
    for (const event& e : events)
        filters.insert(e.filter);
    return filters;
}

const std::set<int> both_filters{EVFILT_READ, EVFILT_WRITE};

void ignore_signal(int) {}

}  // namespace

#define FACT(name) TEST_CASE_METHOD(fixture, "kqueue, emulated: " name, "[engine][kqueue_emulation]")

// -- edges and levels

FACT("with EV_CLEAR new bytes are reported once, with how many there are, and reading some of them is no news") {
    open_pair();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    CHECK(queue.is_silent());
    send(b, "abc");
    const event e = queue.wait();
    CHECK(e.filter == EVFILT_READ);
    CHECK(e.data == 3);
    CHECK(queue.is_silent());
    receive(a, 1);
    CHECK(queue.is_silent());
    send(b, "de");
    CHECK(queue.wait().data == 4);
}

FACT("without EV_CLEAR what is true is reported each time") {
    open_pair();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD) == 0);
    send(b, "abc");
    CHECK(queue.take().size() == 1);
    CHECK(queue.take().size() == 1);
    receive(a, 3);
    CHECK(queue.is_silent());
}

FACT("EV_ADD again reports again what is true, with the new udata") {
    open_pair();
    int old_data = 0, new_data = 0;
    send(b, "abc");
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR, &old_data) == 0);
    CHECK(queue.wait().udata == &old_data);
    CHECK(queue.is_silent());
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR, &new_data) == 0);
    CHECK(queue.wait().udata == &new_data);
    CHECK(queue.is_silent());
    receive(a, 3);
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR, &new_data) == 0);
    CHECK(queue.is_silent());
}

FACT("a filter stays level-triggered when EV_CLEAR is added later") {
    open_pair();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD) == 0);
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    send(b, "abc");
    CHECK(queue.take().size() == 1);
    CHECK(queue.take().size() == 1);
}

FACT("each filter has edges of its own") {
    open_pair();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    CHECK(queue.apply(a, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK(queue.wait().filter == EVFILT_WRITE);
    CHECK(queue.is_silent());
    send(b, "abc");
    CHECK(queue.wait().filter == EVFILT_READ);
}

// -- ends and errors

FACT("the peer's end is EV_EOF for reading, once with EV_CLEAR, with the bytes that are left") {
    connect_pair();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    send(b, "abc");
    CHECK((queue.wait().flags & EV_EOF) == 0);
    ::shutdown(b, SHUT_WR);
    event e = queue.wait();
    CHECK(e.filter == EVFILT_READ);
    CHECK((e.flags & EV_EOF) != 0);
    CHECK(e.data == 3);
    CHECK(queue.is_silent());
}

FACT("a reset is EV_EOF for both, and SO_ERROR still tells it") {
    connect_pair();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    CHECK(queue.apply(a, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK(queue.wait().filter == EVFILT_WRITE);
    reset(b);
    const auto events = queue.wait_for(2);
    CHECK(filters_of(events) == both_filters);
    for (const event& e : events)
        CHECK((e.flags & EV_EOF) != 0);
    CHECK(pending_error(a) == ECONNRESET);
}

FACT("a refused connection is EV_EOF for both, and SO_ERROR still tells it") {
    const int closed = tcp();
    const ::sockaddr_in nobody = bound(closed);
    opened.pop_back();
    ::close(closed);
    a = tcp();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    CHECK(queue.apply(a, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK(connect(a, nobody) == -1);
    const auto events = queue.wait_for(2);
    CHECK(filters_of(events) == both_filters);
    for (const event& e : events)
        CHECK((e.flags & EV_EOF) != 0);
    CHECK(pending_error(a) == ECONNREFUSED);
}

FACT("of a stream socket that was never connected nothing is reported") {
    a = tcp();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    CHECK(queue.apply(a, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK(queue.is_silent());
}

FACT("a connection is room to write") {
    const int listener = tcp();
    const ::sockaddr_in address = bound(listener);
    REQUIRE(::listen(listener, 4) == 0);
    a = tcp();
    CHECK(queue.apply(a, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    connect(a, address);
    const event e = queue.wait();
    CHECK(e.filter == EVFILT_WRITE);
    CHECK((e.flags & EV_EOF) == 0);
}

FACT("a datagram that nobody has received is an error for both, and no end") {
    const int closed = udp();
    const ::sockaddr_in nobody = bound(closed);
    opened.pop_back();
    ::close(closed);
    a = udp();
    REQUIRE(connect(a, nobody) == 0);
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    CHECK(queue.apply(a, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK(queue.wait().filter == EVFILT_WRITE);
    send(a, "abc");
    std::set<int> seen;
    while (seen != both_filters) {
        const event e = queue.wait();
        CHECK((e.flags & EV_EOF) == 0);
        seen.insert(e.filter);
    }
}

FACT("a datagram of no bytes is one") {
    a = udp();
    const ::sockaddr_in address = bound(a);
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    b = udp();
    REQUIRE(connect(b, address) == 0);
    send(b, "");
    CHECK(queue.wait().filter == EVFILT_READ);
}

FACT("a pipe that nobody reads any more is EV_EOF for writing") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_NONBLOCK) == 0);
    keep(ends[1]);
    CHECK(queue.apply(ends[1], EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK((queue.wait().flags & EV_EOF) == 0);
    ::close(ends[0]);
    CHECK((queue.wait().flags & EV_EOF) != 0);
}

FACT("a listener reports once with EV_CLEAR, until there is another connection") {
    const int listener = tcp();
    const ::sockaddr_in address = bound(listener);
    REQUIRE(::listen(listener, 4) == 0);
    CHECK(queue.apply(listener, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    CHECK(queue.is_silent());
    connect(tcp(), address);
    CHECK(queue.wait().filter == EVFILT_READ);
    CHECK(queue.is_silent());
    connect(tcp(), address);
    CHECK(queue.wait().filter == EVFILT_READ);
}

// -- what is forgotten

FACT("a descriptor that is closed is forgotten at once, though another one has the same file") {
    open_pair();
    const int other = keep(::dup(a));
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD) == 0);
    CHECK(queue.apply(other, EVFILT_READ, EV_ADD) == 0);
    CHECK(kqueue_emulation::count_filters(a) == 1);
    send(b, "abc");
    CHECK(queue.take().size() == 2);
    opened.erase(std::find(opened.begin(), opened.end(), a));
    ::close(a);
    CHECK(kqueue_emulation::count_filters(a) == 0);
    const auto events = queue.take();
    REQUIRE(events.size() == 1);
    CHECK(events[0].ident == static_cast<std::uintptr_t>(other));
}

FACT("so is one that dup2() gives another file") {
    open_pair();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD) == 0);
    send(b, "abc");
    const int nothing = keep(::open("/dev/null", O_RDONLY));
    REQUIRE(::dup2(nothing, a) == a);
    CHECK(queue.is_silent());
    CHECK(queue.apply(a, EVFILT_READ, EV_DELETE) == ENOENT);
}

FACT("a filter that is deleted says no more, not even what it had to say") {
    open_pair();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    send(b, "abc");
    CHECK(queue.apply(a, EVFILT_READ, EV_DELETE) == 0);
    CHECK(queue.is_silent());
    CHECK(queue.apply(a, EVFILT_READ, EV_DELETE) == ENOENT);
}

FACT("a number that is not open is EBADF") {
    open_pair();
    ::close(opened.back());
    opened.pop_back();
    CHECK(queue.apply(b, EVFILT_READ, EV_ADD) == EBADF);
    CHECK(queue.apply(b, EVFILT_READ, EV_DELETE) == EBADF);
}

FACT("a queue's number is not closed on exec unless one asks for it") {
    CHECK((::fcntl(queue.descriptor(), F_GETFD) & FD_CLOEXEC) == 0);
    CHECK(::fcntl(queue.descriptor(), F_SETFD, FD_CLOEXEC) == 0);
    CHECK((::fcntl(queue.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
}

FACT("a process made by fork() has no queue") {
    const ::pid_t child = ::fork();
    if (child == 0) {
        const ::timespec at_once{};
        event e;
        const bool is_gone = ::kevent(queue.descriptor(), nullptr, 0, &e, 1, &at_once) == -1 && errno == EBADF &&
                             ::fcntl(queue.descriptor(), F_GETFD) == -1;
        ::_exit(is_gone ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(queue.is_silent());
}

// -- the call

FACT("without room for events the first change that fails ends the call") {
    open_pair();
    const event changes[] = {kernel_queue::change(a, EVFILT_READ, EV_ADD),
                             kernel_queue::change(a, EVFILT_WRITE, EV_DELETE),
                             kernel_queue::change(b, EVFILT_READ, EV_ADD)};
    CHECK(::kevent(queue.descriptor(), changes, 3, nullptr, 0, nullptr) == -1);
    CHECK(errno == ENOENT);
    CHECK(kqueue_emulation::count_filters(a) == 1);
    CHECK(kqueue_emulation::count_filters(b) == 0);
}

FACT("with room it is an EV_ERROR entry, the others are applied, and nothing is waited for") {
    open_pair();
    int data = 0;
    const event changes[] = {kernel_queue::change(a, EVFILT_WRITE, EV_DELETE, &data),
                             kernel_queue::change(b, EVFILT_READ, EV_ADD)};
    event events[4];
    REQUIRE(::kevent(queue.descriptor(), changes, 2, events, 4, nullptr) == 1);
    CHECK((events[0].flags & EV_ERROR) != 0);
    CHECK(events[0].data == ENOENT);
    CHECK(events[0].udata == &data);
    CHECK(kqueue_emulation::count_filters(b) == 1);
}

FACT("one call changes and waits") {
    open_pair();
    send(b, "abc");
    const event change = kernel_queue::change(a, EVFILT_READ, EV_ADD);
    event e{};
    REQUIRE(::kevent(queue.descriptor(), &change, 1, &e, 1, nullptr) == 1);
    CHECK(e.ident == static_cast<std::uintptr_t>(a));
}

FACT("what there was no room for comes with the next call") {
    for (int i = 0; i < 5; ++i) {
        open_pair();
        send(b, "abc");
        CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
        CHECK(queue.apply(a, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    }
    std::size_t n = 0;
    for (auto events = queue.take(3); !events.empty(); events = queue.take(3)) {
        CHECK(events.size() <= 3);
        n += events.size();
    }
    CHECK(n == 10);
}

FACT("a time-out is kept to the nanosecond, and a bad one is refused, one of years too") {
    event e;
    const ::timespec two_milliseconds{0, 2'000'000};
    const auto began = std::chrono::steady_clock::now();
    CHECK(::kevent(queue.descriptor(), nullptr, 0, &e, 1, &two_milliseconds) == 0);
    CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(2));
    for (const ::timespec bad :
         {::timespec{-1, 0}, ::timespec{0, -1}, ::timespec{0, 1'000'000'000}, ::timespec{100'000'001, 0}}) {
        CHECK(::kevent(queue.descriptor(), nullptr, 0, &e, 1, &bad) == -1);
        CHECK(errno == EINVAL);
    }
}

FACT("a waiting thread gets what another one adds") {
    open_pair();
    send(b, "abc");
    std::thread other([&] {
        const event change = kernel_queue::change(a, EVFILT_READ, EV_ADD | EV_CLEAR);
        ::kevent(queue.descriptor(), &change, 1, nullptr, 0, nullptr);
    });
    CHECK(queue.wait().ident == static_cast<std::uintptr_t>(a));
    other.join();
}

FACT("of several waiting threads one gets the event") {
    open_pair();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    std::atomic<int> got{0};
    std::vector<std::thread> waiting;
    for (int i = 0; i < 3; ++i)
        waiting.emplace_back([&] {
            event e;
            const ::timespec long_time{10, 0};
            got += ::kevent(queue.descriptor(), nullptr, 0, &e, 1, &long_time);
        });
    for (int i = 1; i <= 3; ++i) {
        send(b, "a");
        while (got < i)
            std::this_thread::yield();
        CHECK(got == i);
    }
    for (auto& t : waiting)
        t.join();
    CHECK(got == 3);
}

FACT("a signal interrupts the wait") {
    struct ::sigaction action {};
    struct ::sigaction before;
    action.sa_handler = &ignore_signal;
    ::sigaction(SIGUSR1, &action, &before);
    std::atomic<bool> done{false};
    int result = 0, error = 0;
    std::thread waiting([&] {
        event e;
        result = ::kevent(queue.descriptor(), nullptr, 0, &e, 1, nullptr);
        error = errno;
        done = true;
    });
    while (!done) {
        ::pthread_kill(waiting.native_handle(), SIGUSR1);
        std::this_thread::yield();
    }
    waiting.join();
    ::sigaction(SIGUSR1, &before, nullptr);
    CHECK(result == -1);
    CHECK(error == EINTR);
}

// -- chaos

// What is only now and then so in chaos: it must be within so many attempts.
constexpr int attempts = 10'000;

FACT("in chaos a write filter reports again what it has reported") {
    open_pair();
    CHECK(queue.apply(a, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    kqueue_emulation::set_chaos(true);
    for (std::size_t seen = 0; seen < 5;) {
        const auto events = queue.take();
        for (const event& e : events)
            CHECK(e.filter == EVFILT_WRITE);
        seen += events.size();
    }
}

FACT("in chaos filters report what is not so") {
    open_pair();
    int data = 0;
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR, &data) == 0);
    CHECK(queue.is_silent());
    kqueue_emulation::set_chaos(true);
    std::vector<event> events;
    for (int i = 0; i < attempts && events.empty(); ++i)
        events = queue.take();
    REQUIRE(events.size() == 1);
    CHECK(events[0].ident == static_cast<std::uintptr_t>(a));
    CHECK(events[0].filter == EVFILT_READ);
    CHECK(events[0].udata == &data);
}

FACT("in chaos events come mostly one by one, and in any order") {
    for (int i = 0; i < 3; ++i) {
        open_pair();
        send(b, "abc");
        CHECK(queue.apply(a, EVFILT_READ, EV_ADD) == 0);
    }
    kqueue_emulation::set_chaos(true);
    int alone = 0, together = 0;
    std::set<std::vector<std::uintptr_t>> orders;
    for (int i = 0; i < 1000; ++i) {
        const auto events = queue.take();
        ++(events.size() == 1 ? alone : together);
        std::vector<std::uintptr_t> order;
        for (const event& e : events)
            order.push_back(e.ident);
        if (order.size() == 3)
            orders.insert(order);
    }
    CHECK(alone > together);
    CHECK(orders.size() == 6);
}

FACT("in chaos fflags and data are noise") {
    open_pair();
    send(b, "abc");
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD) == 0);
    kqueue_emulation::set_chaos(true);
    std::set<std::uint32_t> fflags;
    std::set<std::intptr_t> data;
    for (int i = 0; i < 100; ++i)
        for (const event& e : queue.take()) {
            fflags.insert(e.fflags);
            data.insert(e.data);
        }
    CHECK(fflags.size() > 10);
    CHECK(data.size() > 10);
}

FACT("in chaos a wait is interrupted") {
    kqueue_emulation::set_chaos(true);
    event e;
    const ::timespec short_time{0, 5'000'000};
    int result = 0;
    for (int i = 0; i < attempts && result != -1; ++i)
        result = ::kevent(queue.descriptor(), nullptr, 0, &e, 1, &short_time);
    CHECK(result == -1);
    CHECK(errno == EINTR);
}

FACT("in chaos a call that changes something is interrupted, after it has changed it") {
    open_pair();
    kqueue_emulation::set_chaos(true);
    int error = 0;
    for (int i = 0; i < attempts && error == 0; ++i) {
        queue.apply(a, EVFILT_READ, EV_DELETE);
        error = queue.apply(a, EVFILT_READ, EV_ADD);
        CHECK(kqueue_emulation::count_filters(a) == 1);
    }
    CHECK(error == EINTR);
}

FACT("in chaos a filter that is deleted is said to be gone already") {
    open_pair();
    kqueue_emulation::set_chaos(true);
    int error = 0;
    for (int i = 0; i < attempts && error != ENOENT; ++i) {
        queue.apply(a, EVFILT_READ, EV_ADD);
        error = queue.apply(a, EVFILT_READ, EV_DELETE);
        CHECK(kqueue_emulation::count_filters(a) == 0);
    }
    CHECK(error == ENOENT);
}

FACT("in chaos nothing is lost") {
    open_pair();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    kqueue_emulation::set_chaos(true);
    for (int i = 0; i < 100; ++i) {
        send(b, "a");
        char byte;
        while (::recv(a, &byte, 1, 0) == 1)
            continue;
        send(b, "b");
        for (bool received = false; !received;) {
            event e{};
            if (::kevent(queue.descriptor(), nullptr, 0, &e, 1, nullptr) == 1)
                received = ::recv(a, &byte, 1, 0) == 1;
        }
    }
}

// -- what is otherwise than on a BSD

FACT("not imitated: room to write is no event after each acknowledgement; in chaos there are such") {
    connect_pair();
    CHECK(queue.apply(a, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    queue.wait();
    send(a, "abc");
    kernel_queue until;
    CHECK(until.apply(b, EVFILT_READ, EV_ADD) == 0);
    until.wait();
    CHECK(queue.is_silent());
}

FACT("not imitated: that the peer's end says nothing of writing; here it is an event that tells nothing") {
    connect_pair();
    CHECK(queue.apply(a, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    queue.wait();
    ::shutdown(b, SHUT_WR);
    const event e = queue.wait();
    CHECK(e.filter == EVFILT_WRITE);
    CHECK((e.flags & EV_EOF) == 0);
}

FACT("not imitated: the error in fflags, which cannot be had without taking it from the socket") {
    connect_pair();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    reset(b);
    CHECK(queue.wait().fflags == 0);
}

FACT("not imitated: the local end of a connection as EV_EOF for writing") {
    connect_pair();
    CHECK(queue.apply(a, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    queue.wait();
    ::shutdown(a, SHUT_WR);
    while (!queue.is_silent())
        continue;
    CHECK(queue.apply(a, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK((queue.wait().flags & EV_EOF) == 0);
}

FACT("not imitated: data of datagrams counts no addresses, that of listeners and of room to write is 1") {
    a = udp();
    const ::sockaddr_in address = bound(a);
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | EV_CLEAR) == 0);
    b = udp();
    REQUIRE(connect(b, address) == 0);
    send(b, "abcde");
    CHECK(queue.wait().data == 5);
    CHECK(queue.apply(b, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    CHECK(queue.wait().data == 1);
}

FACT("not imitated: a write to a pipe as room to write in it") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_NONBLOCK) == 0);
    keep(ends[0]);
    keep(ends[1]);
    CHECK(queue.apply(ends[1], EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
    queue.wait();
    CHECK(::write(ends[1], "a", 1) == 1);
    CHECK(queue.is_silent());
}

FACT("not imitated: that a descriptor which has been closed is not there, rather than bad, as on macOS") {
    open_pair();
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD) == 0);
    opened.erase(std::find(opened.begin(), opened.end(), a));
    ::close(a);
    CHECK(queue.apply(a, EVFILT_READ, EV_DELETE) == EBADF);
}

FACT("not imitated: what is no part of kqueue, such as that what is accepted is non-blocking as the listener is") {
    const int listener = tcp();
    const ::sockaddr_in address = bound(listener);
    REQUIRE(::listen(listener, 4) == 0);
    CHECK(queue.apply(listener, EVFILT_READ, EV_ADD) == 0);
    connect(tcp(), address);
    queue.wait();
    a = keep(::accept(listener, nullptr, nullptr));
    CHECK((::fcntl(a, F_GETFL) & O_NONBLOCK) == 0);
}

FACT("not there: filters and flags that the library does not use") {
    open_pair();
    CHECK(queue.apply(a, -10, EV_ADD) == EINVAL);                   // EVFILT_USER
    CHECK(queue.apply(a, EVFILT_READ, EV_ADD | 0x0010) == EINVAL);  // EV_ONESHOT
    CHECK(queue.apply(a, EVFILT_READ, 0) == ENOENT);
}

#endif
