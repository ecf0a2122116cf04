// SPDX-License-Identifier: BSL-1.0

// The clients of a server in another process, for the figures that need a clock on the wall. Arguments:
// PORT CONNECTIONS SIZE SECONDS: each connection sends a message as soon as it has the reply to the one before.
// It writes messages per second, the time from message to reply in microseconds, and how many messages there were, as a
// line of JSON.

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

struct connection {
    int handle = -1;
    std::size_t received = 0;
    clock_type::time_point sent;
};

int connect_to(int port) {
    int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_port = htons(static_cast<std::uint16_t>(port));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (handle < 0 || connect(handle, reinterpret_cast<sockaddr*>(&server), sizeof server) != 0)
        fail("connect");
    int on = 1;
    setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return handle;
}

double microseconds(clock_type::duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("arguments: PORT CONNECTIONS SIZE SECONDS\n", stderr);
        return 2;
    }
    std::vector<connection> connections(static_cast<std::size_t>(std::atol(argv[2])));
    const std::string message(static_cast<std::size_t>(std::atol(argv[3])), 'x');
    const auto length = std::chrono::duration<double>(std::atof(argv[4]));
    std::vector<char> reply(message.size());
    std::vector<double> times;
    times.reserve(4'000'000);

    int poller = epoll_create1(EPOLL_CLOEXEC);
    auto talk = [&](connection& c) {
        c.received = 0;
        c.sent = clock_type::now();
        if (send(c.handle, message.data(), message.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message.size()))
            fail("send");
    };
    for (connection& c : connections) {
        c.handle = connect_to(std::atoi(argv[1]));
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = &c;
        epoll_ctl(poller, EPOLL_CTL_ADD, c.handle, &event);
    }
    for (connection& c : connections)
        talk(c);

    const auto begin = clock_type::now();
    const auto warm = begin + std::chrono::duration_cast<clock_type::duration>(length / 10);
    const auto end = begin + std::chrono::duration_cast<clock_type::duration>(length);
    auto now = begin;
    long messages = 0;
    epoll_event events[128];
    // On a busy machine it takes longer until there is enough to tell.
    while (now < end || times.size() < 1000) {
        int n = epoll_wait(poller, events, 128, 10'000);
        if (n <= 0)
            fail(n == 0 ? "no reply" : "epoll_wait");
        for (int i = 0; i < n; ++i) {
            auto& c = *static_cast<connection*>(events[i].data.ptr);
            ssize_t got = recv(c.handle, reply.data(), message.size() - c.received, MSG_DONTWAIT);
            if (got < 0 && errno == EAGAIN)
                continue;
            if (got <= 0)
                fail("recv");
            c.received += static_cast<std::size_t>(got);
            if (c.received != message.size())
                continue;
            ++messages;
            now = clock_type::now();
            if (now >= warm)
                times.push_back(microseconds(now - c.sent));
            talk(c);
        }
    }

    std::sort(times.begin(), times.end());
    auto at = [&](double share) { return times[static_cast<std::size_t>(share * static_cast<double>(times.size()))]; };
    std::printf("{\"rate\": %.0f, \"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"messages\": %ld}\n",
                static_cast<double>(times.size()) / std::chrono::duration<double>(now - warm).count(), at(0.5),
                at(0.99), at(0.999), messages);
    return 0;
}
