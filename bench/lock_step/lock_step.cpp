// SPDX-License-Identifier: BSL-1.0

// A load generator inside the server's own thread. Preloaded into any single-threaded server, it plays all the clients
// whenever the server is about to wait for events: it takes the replies, sends the next round, and lets the server go
// on. So server and clients never compete, the server has its whole round to do each time it wakes, and what it costs
// is exactly the thread's CPU time between one end of the clients' turn and the next beginning: its "window".
//
// Environment:
//   LOCK_STEP_CONNECTIONS  how many (default 1)
//   LOCK_STEP_SIZE         bytes in each message (default 64)
//   LOCK_STEP_ROUNDS       how many rounds are measured (default 100); in each, every connection echoes one message
//   LOCK_STEP_WARM_UP      how many come before (default a tenth of that)
//   LOCK_STEP_CHURN        1: every round opens the connections, echoes one byte on each and closes them
//   LOCK_STEP_MARKS        1: a write to descriptor -1 marks the windows, for a reader of a trace of system calls
//
// When all rounds are done, it writes a line of JSON to standard output and ends the process. If callgrind runs it with
// --collect-atstart=no, only the windows are collected.

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT static_cast<void>(0)
#endif

namespace {

long setting(const char* name, long otherwise) {
    const char* value = std::getenv(name);
    return value ? std::atol(value) : otherwise;
}

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "lock_step: %s: %s\n", what, std::strerror(errno));
    _exit(1);
}

template <class Function>
Function* next_definition(const char* name) {
    void* found = dlsym(RTLD_NEXT, name);
    if (!found)
        fail(name);
    return reinterpret_cast<Function*>(found);
}

std::int64_t cpu_time() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

// Two readings of the clock, one after the other: what an empty window seems to take.
std::int64_t cost_of_clock() {
    std::int64_t least = 1'000'000;
    for (int i = 0; i < 1000; ++i) {
        std::int64_t from = cpu_time();
        std::int64_t to = cpu_time();
        if (to - from < least)
            least = to - from;
    }
    return least;
}

// Allocations inside the windows, counted by the definitions of malloc() and its like below.
bool counts_allocations = false;
long allocations = 0;

class clients {
public:
    clients()
        : connections_(static_cast<std::size_t>(setting("LOCK_STEP_CONNECTIONS", 1))),
          size_(static_cast<std::size_t>(setting("LOCK_STEP_SIZE", 64))),
          rounds_(setting("LOCK_STEP_ROUNDS", 100)),
          warm_up_(setting("LOCK_STEP_WARM_UP", rounds_ / 10 + 1)),
          churns_(setting("LOCK_STEP_CHURN", 0) != 0),
          marks_(setting("LOCK_STEP_MARKS", 0) != 0),
          message_(churns_ ? 1 : size_) {
        for (std::size_t i = 0; i < message_.size(); ++i)
            message_[i] = static_cast<char>('a' + i % 26);
        reply_.resize(message_.size());
        signal(SIGPIPE, SIG_IGN);
        alarm(120);
    }

    /// The server listens on @p listener.
    void meet(int listener) {
        address_size_ = sizeof address_;
        if (getsockname(listener, reinterpret_cast<sockaddr*>(&address_), &address_size_) != 0)
            fail("getsockname");
        knows_server_ = true;
    }

    /// The server is about to wait until something happens.
    void play() {
        if (!knows_server_)
            return;
        close_window();
        just_sent_ = false;
        if (connecting_ && connect_some()) {
            connecting_ = false;
            begin_round();
        } else if (!connecting_ && take_replies()) {
            if (churns_)
                leave();
            else
                begin_round();
        }
        open_window();
    }

    /// Replies are missing though the server has gone to sleep: either it has not taken all of its events yet, or bytes
    /// are under way that will not wake it.
    bool still_listen() const { return !connecting_ && outstanding_ != 0 && !just_sent_; }

private:
    struct peer {
        int handle;
        std::size_t received;
    };

    // True once all are connected. A connection that the listener's queue has no room for comes at the next turn.
    bool connect_some() {
        int flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
        for (int i = 0; i < 64 && peers_.size() < connections_; ++i) {
            int handle = socket(address_.ss_family, flags, 0);
            if (handle < 0)
                fail("socket");
            // TCP's handshake goes on by itself; a local listener without room must be asked again.
            if (::connect(handle, reinterpret_cast<sockaddr*>(&address_), address_size_) != 0 && errno != EINPROGRESS) {
                if (errno != EAGAIN)
                    fail("connect");
                close(handle);
                return false;
            }
            peers_.push_back(peer{handle, 0});
        }
        return peers_.size() == connections_;
    }

    // The server learns of it in the window that follows.
    void leave() {
        for (peer& p : peers_)
            close(p.handle);
        peers_.clear();
        connecting_ = true;
    }

    // True once every connection has its whole reply.
    bool take_replies() {
        while (outstanding_ != 0) {
            peer& p = peers_[outstanding_ - 1];
            ssize_t n = recv(p.handle, reply_.data(), message_.size() - p.received, MSG_DONTWAIT);
            if (n < 0 && errno == EAGAIN)
                return false;
            if (n <= 0)
                fail("recv");
            if (std::memcmp(reply_.data(), message_.data() + p.received, static_cast<std::size_t>(n)) != 0) {
                errno = EBADMSG;
                fail("reply");
            }
            p.received += static_cast<std::size_t>(n);
            if (p.received == message_.size())
                --outstanding_;
        }
        return true;
    }

    void begin_round() {
        ++round_;
        if (round_ == warm_up_)
            measured_ = true;
        if (round_ == warm_up_ + rounds_)
            report();
        for (peer& p : peers_) {
            p.received = 0;
            if (send(p.handle, message_.data(), message_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message_.size()))
                fail("send");
        }
        outstanding_ = peers_.size();
        just_sent_ = true;
    }

    void open_window() {
        if (!measured_)
            return;
        if (marks_)
            static_cast<void>(!write(-1, "window+", 7));
        counts_allocations = true;
        CALLGRIND_TOGGLE_COLLECT;
        opened_ = cpu_time();
    }

    void close_window() {
        if (!measured_)
            return;
        elapsed_ += cpu_time() - opened_ - clock_cost_;
        CALLGRIND_TOGGLE_COLLECT;
        counts_allocations = false;
        ++windows_;
        if (marks_)
            static_cast<void>(!write(-1, "window-", 7));
    }

    [[noreturn]] void report() {
        double messages = static_cast<double>(rounds_) * static_cast<double>(connections_);
        std::printf("{\"ns\": %.1f, \"operations\": %.0f, \"allocations\": %.4f, \"waits\": %.4f}\n",
                    static_cast<double>(elapsed_) / messages, messages, static_cast<double>(allocations) / messages,
                    static_cast<double>(windows_) / messages);
        std::fflush(stdout);
        _exit(0);
    }

    const std::size_t connections_;
    const std::size_t size_;
    const long rounds_;
    const long warm_up_;
    const bool churns_;
    const bool marks_;
    std::vector<char> message_;
    std::vector<char> reply_;
    std::vector<peer> peers_;
    std::size_t outstanding_ = 0;  // the first so many peers have not their whole reply yet
    sockaddr_storage address_{};
    socklen_t address_size_ = 0;
    bool knows_server_ = false;
    bool connecting_ = true;
    bool just_sent_ = false;
    bool measured_ = false;
    long round_ = -1;
    long windows_ = 0;
    std::int64_t clock_cost_ = cost_of_clock();
    std::int64_t opened_ = 0;
    std::int64_t elapsed_ = 0;
};

clients& the_clients() {
    static clients* all = new clients;  // never destroyed: the process ends inside it
    return *all;
}

/// A wait of the server that may block: a turn for the clients. @p wait is given what to take for its time-out, in
/// milliseconds: the server's own, below zero, or another.
template <class Wait>
int wait_in_turn(int own, Wait wait) {
    the_clients().play();
    if (!the_clients().still_listen())
        return wait(own);
    int n = wait(0);
    while (n == 0) {
        the_clients().play();
        n = wait(the_clients().still_listen() ? 1 : own);
    }
    return n;
}

}  // namespace

// What the server calls. Only waits that may block are a turn for the clients.

extern "C" {

int listen(int handle, int backlog) {
    static auto* real = next_definition<int(int, int)>("listen");
    int result = real(handle, backlog);
    if (result == 0)
        the_clients().meet(handle);
    return result;
}

int epoll_wait(int handle, epoll_event* events, int most, int timeout) {
    static auto* real = next_definition<int(int, epoll_event*, int, int)>("epoll_wait");
    auto wait = [=](int t) { return real(handle, events, most, t); };
    return timeout == 0 ? wait(0) : wait_in_turn(timeout, wait);
}

int epoll_pwait(int handle, epoll_event* events, int most, int timeout, const sigset_t* mask) {
    static auto* real = next_definition<int(int, epoll_event*, int, int, const sigset_t*)>("epoll_pwait");
    auto wait = [=](int t) { return real(handle, events, most, t, mask); };
    return timeout == 0 ? wait(0) : wait_in_turn(timeout, wait);
}

int poll(pollfd* handles, nfds_t count, int timeout) {
    static auto* real = next_definition<int(pollfd*, nfds_t, int)>("poll");
    auto wait = [=](int t) { return real(handles, count, t); };
    return timeout == 0 ? wait(0) : wait_in_turn(timeout, wait);
}

int ppoll(pollfd* handles, nfds_t count, const timespec* timeout, const sigset_t* mask) {
    static auto* real = next_definition<int(pollfd*, nfds_t, const timespec*, const sigset_t*)>("ppoll");
    auto wait = [=](int t) {
        timespec other{0, t * 1'000'000L};
        return real(handles, count, t < 0 ? timeout : &other, mask);
    };
    const bool looks_only = timeout && timeout->tv_sec == 0 && timeout->tv_nsec == 0;
    return looks_only ? wait(0) : wait_in_turn(-1, wait);
}

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) {
    allocations += counts_allocations;
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    allocations += counts_allocations;
    return __libc_calloc(count, size);
}
void* realloc(void* p, std::size_t size) {
    allocations += counts_allocations;
    return __libc_realloc(p, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    allocations += counts_allocations;
    return __libc_memalign(alignment, size);
}

}  // extern "C"
