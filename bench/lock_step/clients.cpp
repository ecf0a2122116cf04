// SPDX-License-Identifier: BSL-1.0

// The clients of a server in lock step: a process beside the server, on the same processor, that has its turn when the
// server sleeps. It takes the replies, waits until the server has gone to sleep, sends the next round, and sleeps
// itself. So the server has its whole round to do each time it wakes, whatever mechanism it waits by, and what it costs
// is its process's CPU time, all of it: system calls, falling asleep, and what the kernel does on its behalf in threads
// of the process.
//
// lock_step.cpp starts it. Its argument is the address of the server's count of allocations. Environment:
//   LOCK_STEP_CONNECTIONS  how many (default 1)
//   LOCK_STEP_SIZE         bytes in each message (default 64)
//   LOCK_STEP_ROUNDS       how many rounds are measured (default 100); in each, every connection echoes one message
//   LOCK_STEP_WARM_UP      how many come before (default a tenth of that)
//   LOCK_STEP_CHURN        1: every round opens the connections, echoes one byte on each and closes them
//
// When all rounds are done, it writes a line of JSON to standard output and ends the server.

#include "lock_step/turns.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

namespace {

long setting(const char* name, long otherwise) {
    const char* value = std::getenv(name);
    return value ? std::atol(value) : otherwise;
}

/// The process that is measured: the parent of this one.
class server {
public:
    explicit server(void* allocations) : allocations_(allocations) {
        // It would be left waiting for messages that never come.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        std::string folder = "/proc/" + std::to_string(process_);
        system_call_ = open(folder + "/syscall");
        state_ = open(folder + "/stat");
        status_ = open(folder + "/status");
        traced_ = number_in_status("TracerPid:") != 0;
        if (clock_getcpuclockid(process_, &clock_) != 0)
            fail("clock_getcpuclockid");
    }

    [[noreturn]] void fail(const char* what) const {
        std::fprintf(stderr, "lock_step_clients: %s: %s\n", what, std::strerror(errno));
        kill(process_, SIGKILL);
        _exit(1);
    }

    /// It is blocked in a wait for events, and nothing has woken it.
    bool sleeps() const {
        char text[256];
        read_again(system_call_, text, sizeof text);  // "running", or the number of the call that it is blocked in
        switch (std::atoi(text)) {
#ifdef SYS_epoll_wait
        case SYS_epoll_wait:
        case SYS_poll:
        case SYS_select:
#endif
        case SYS_epoll_pwait:
        case SYS_epoll_pwait2:
        case SYS_ppoll:
        case SYS_pselect6:
        case SYS_io_uring_enter: break;
        default: return false;
        }
        if (!traced_)
            return true;
        // A tracer stops it where a call begins and ends, too.
        read_again(state_, text, sizeof text);
        const char* name_ends = std::strrchr(text, ')');
        return name_ends && name_ends[2] == 'S';
    }

    std::int64_t cpu_time() const {
        timespec t;
        if (clock_gettime(clock_, &t) != 0)
            fail("clock_gettime");
        return t.tv_sec * 1'000'000'000 + t.tv_nsec;
    }

    long allocations() const {
        long value = 0;
        iovec here{&value, sizeof value};
        iovec there{allocations_, sizeof value};
        if (process_vm_readv(process_, &here, 1, &there, 1, 0) != sizeof value)
            fail("process_vm_readv");
        return value;
    }

    /// How often it has gone to sleep.
    long sleeps_so_far() const { return number_in_status("\nvoluntary_ctxt_switches:"); }

    /// Ends it, see lock_step.cpp.
    void end() const {
        kill(process_, SIGTERM);
        shutdown(lock_step::inherited_listener, SHUT_RDWR);
    }

private:
    int open(const std::string& path) const {
        int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (handle < 0)
            fail(path.c_str());
        return handle;
    }

    void read_again(int handle, char* text, std::size_t size) const {
        ssize_t n = pread(handle, text, size - 1, 0);
        if (n <= 0)
            fail("/proc");
        text[n] = '\0';
    }

    long number_in_status(const char* name) const {
        char text[4096];
        read_again(status_, text, sizeof text);
        const char* line = std::strstr(text, name);
        return line ? std::atol(line + std::strlen(name)) : 0;
    }

    const pid_t process_ = getppid();
    void* const allocations_;
    int system_call_ = -1;
    int state_ = -1;
    int status_ = -1;
    bool traced_ = false;
    clockid_t clock_{};
};

class clients {
public:
    explicit clients(server& s)
        : server_(s),
          connections_(static_cast<std::size_t>(setting("LOCK_STEP_CONNECTIONS", 1))),
          rounds_(setting("LOCK_STEP_ROUNDS", 100)),
          warm_up_(setting("LOCK_STEP_WARM_UP", rounds_ / 10 + 1)),
          churns_(setting("LOCK_STEP_CHURN", 0) != 0),
          message_(churns_ ? 1 : static_cast<std::size_t>(setting("LOCK_STEP_SIZE", 64))) {
        for (std::size_t i = 0; i < message_.size(); ++i)
            message_[i] = static_cast<char>('a' + i % 26);
        reply_.resize(message_.size());
        if (getsockname(lock_step::inherited_listener, reinterpret_cast<sockaddr*>(&address_), &address_size_) != 0)
            server_.fail("getsockname");
    }

    void play() {
        wait_for_server();
        connect_all();
        for (long i = 0; i < warm_up_; ++i)
            play_round();
        const std::int64_t cpu_time = server_.cpu_time();
        const long allocations = server_.allocations();
        const long sleeps = server_.sleeps_so_far();
        for (long i = 0; i < rounds_; ++i)
            play_round();
        const double messages = static_cast<double>(rounds_) * static_cast<double>(connections_);
        auto each = [&](auto from, auto to) { return static_cast<double>(to - from) / messages; };
        std::printf("{\"ns\": %.1f, \"operations\": %.0f, \"allocations\": %.4f, \"sleeps\": %.4f}\n",
                    each(cpu_time, server_.cpu_time()), messages, each(allocations, server_.allocations()),
                    each(sleeps, server_.sleeps_so_far()));
        std::fflush(stdout);
    }

private:
    struct peer {
        int handle;
        std::size_t received;
    };

    // The replies come before the server sleeps, but as a rule both sides share a processor: this runs afterwards.
    void wait_for_server() const {
        while (!server_.sleeps()) {
            timespec t{0, 200'000};
            nanosleep(&t, nullptr);
        }
    }

    void play_round() {
        if (churns_)
            connect_all();
        send_all();
        take_replies();
        wait_for_server();
        if (churns_) {
            for (peer& p : peers_)
                close(p.handle);
            peers_.clear();
            wait_for_server();
        }
    }

    // As many at a time as any listener's queue has room for.
    void connect_all() {
        while (peers_.size() < connections_) {
            for (int i = 0; i < 64 && peers_.size() < connections_; ++i)
                connect_one();
            if (!churns_)
                wait_for_server();
        }
    }

    void connect_one() {
        int handle = socket(address_.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (handle < 0)
            server_.fail("socket");
        if (connect(handle, reinterpret_cast<sockaddr*>(&address_), address_size_) != 0)
            server_.fail("connect");
        peers_.push_back(peer{handle, 0});
    }

    // The server sees all or nothing of a round, even if other programs want the processor.
    void send_all() {
        const bool several = peers_.size() > 1;
        if (several)
            lock_step::insist();
        for (peer& p : peers_) {
            p.received = 0;
            if (send(p.handle, message_.data(), message_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message_.size()))
                server_.fail("send");
        }
        if (several)
            lock_step::take_turns();
    }

    // From the last to the first: the last is answered last, so that this sleeps only once.
    void take_replies() {
        for (std::size_t i = peers_.size(); i-- > 0;) {
            peer& p = peers_[i];
            while (p.received != message_.size()) {
                pollfd wanted{p.handle, POLLIN, 0};
                if (poll(&wanted, 1, 10'000) != 1)
                    server_.fail("no reply");
                ssize_t n = recv(p.handle, reply_.data(), message_.size() - p.received, 0);
                if (n <= 0)
                    server_.fail("recv");
                if (std::memcmp(reply_.data(), message_.data() + p.received, static_cast<std::size_t>(n)) != 0) {
                    errno = EBADMSG;
                    server_.fail("reply");
                }
                p.received += static_cast<std::size_t>(n);
            }
        }
    }

    server& server_;
    const std::size_t connections_;
    const long rounds_;
    const long warm_up_;
    const bool churns_;
    std::vector<char> message_;
    std::vector<char> reply_;
    std::vector<peer> peers_;
    sockaddr_storage address_{};
    socklen_t address_size_ = sizeof address_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("lock_step_clients: started by the library lock_step, preloaded into a server\n", stderr);
        return 2;
    }
    lock_step::take_turns();
    std::signal(SIGALRM, [](int) {
        kill(getppid(), SIGKILL);
        _exit(1);
    });
    alarm(120);
    server s(reinterpret_cast<void*>(std::strtoull(argv[1], nullptr, 10)));
    clients all(s);
    all.play();
    s.end();
    return 0;
}
