// SPDX-License-Identifier: BSL-1.0

// The clients of a server in lock step: a process beside the server, on the same processor, that has its turn when the
// server sleeps. It takes the replies, sends the next round, and sleeps itself. So the server has its whole round to do each time it wakes, whatever mechanism it waits by, and what it costs
// is its process's CPU time, all of it: system calls, falling asleep, and what the kernel does on its behalf in threads
// of the process.
//
// lock_step.cpp starts it. Environment:
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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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
    server() {
        // It would be left waiting for messages that never come.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        std::string thread = "/proc/" + std::to_string(process_) + "/task/" + std::to_string(process_);
        state_ = open(thread + "/stat");
        status_ = open(thread + "/status");
        if (clock_getcpuclockid(process_, &clock_) != 0)
            fail("clock_getcpuclockid");
        void* shared = mmap(nullptr, sizeof *allocations_, PROT_READ, MAP_SHARED, lock_step::inherited_count, 0);
        if (shared == MAP_FAILED)
            fail("mmap");
        allocations_ = static_cast<const volatile long*>(shared);
    }

    [[noreturn]] void fail(const char* what) const {
        std::fprintf(stderr, "lock_step_clients: %s: %s\n", what, std::strerror(errno));
        kill(process_, SIGKILL);
        _exit(1);
    }

    /// It waits, and nothing has woken it: interruptible sleep, proc_pid_stat(5). A tracer's stops are another state.
    bool sleeps() const {
        char text[512];
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

    long allocations() const { return *allocations_; }

    /// How often it has gone to sleep.
    long sleeps_so_far() const {
        char text[4096];
        read_again(status_, text, sizeof text);
        const char* line = std::strstr(text, "\nvoluntary_ctxt_switches:");
        return line ? std::atol(std::strchr(line, ':') + 1) : 0;
    }

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

    const pid_t process_ = getppid();
    int state_ = -1;
    int status_ = -1;
    clockid_t clock_{};
    const volatile long* allocations_ = nullptr;
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
        wait_for_server();
        const std::int64_t cpu_time = server_.cpu_time();
        const long allocations = server_.allocations();
        const long sleeps = server_.sleeps_so_far();
        for (long i = 0; i < rounds_; ++i)
            play_round();
        wait_for_server();
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

    void wait_for_server() const {
        while (!server_.sleeps()) {
            timespec t{0, 200'000};
            nanosleep(&t, nullptr);
        }
    }

    // This returns in the clients' turn, which lasts until the next call: what they do in it, the server sees as one.
    void wait_for_reply(const peer& p) const {
        if (connections_ > 1)
            lock_step::take_turns();
        pollfd wanted{p.handle, POLLIN, 0};
        if (poll(&wanted, 1, 10'000) != 1)
            server_.fail("no reply");
        // As both share a processor, it sleeps already, as a rule.
        wait_for_server();
        if (connections_ > 1)
            lock_step::insist();
    }

    void play_round() {
        if (churns_) {
            lock_step::insist();
            connect_all();
        }
        send_all();
        take_replies();
        if (churns_) {
            for (peer& p : peers_)
                close(p.handle);
            peers_.clear();
            lock_step::take_turns();
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

    void send_all() {
        for (peer& p : peers_) {
            p.received = 0;
            if (send(p.handle, message_.data(), message_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message_.size()))
                server_.fail("send");
        }
    }

    // From the last to the first: the last is answered last, so that this waits only once.
    void take_replies() {
        for (std::size_t i = peers_.size(); i-- > 0;) {
            peer& p = peers_[i];
            while (p.received != message_.size()) {
                ssize_t n = recv(p.handle, reply_.data(), message_.size() - p.received, MSG_DONTWAIT);
                if (n < 0 && errno == EAGAIN) {
                    wait_for_reply(p);
                    continue;
                }
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

int main() {
    lock_step::take_turns();
    std::signal(SIGALRM, [](int) {
        kill(getppid(), SIGKILL);
        _exit(1);
    });
    alarm(120);
    server s;
    clients all(s);
    all.play();
    s.end();
    return 0;
}
