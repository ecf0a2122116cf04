// SPDX-License-Identifier: BSL-1.0

// The limit: an echo server for one purpose, straight on edge-triggered epoll. Arguments: tcp|local 64|1024|8192|32768

#include "echo/raw_server.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using raw::fail;

template <std::size_t Size>
struct session {
    int handle;
    // The bytes that the kernel would not take yet.
    std::size_t begin = 0;
    std::size_t end = 0;
    std::array<char, Size> data;

    // False: the connection is over.
    bool go_on() {
        for (;;) {
            while (begin != end) {
                ssize_t n = send(handle, data.data() + begin, end - begin, MSG_NOSIGNAL);
                if (n < 0)
                    return errno == EAGAIN;
                begin += static_cast<std::size_t>(n);
                if (begin == end && end < Size)
                    return true;  // the read was short: the next byte brings an edge
            }
            ssize_t n = recv(handle, data.data(), Size, 0);
            if (n <= 0)
                return n < 0 && errno == EAGAIN;
            begin = 0;
            end = static_cast<std::size_t>(n);
        }
    }
};

template <std::size_t Size>
void serve(int listener) {
    int poller = epoll_create1(EPOLL_CLOEXEC);
    epoll_event wanted{};
    wanted.events = EPOLLIN | EPOLLET;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &wanted) != 0)
        fail("epoll_ctl");
    epoll_event events[128];
    for (;;) {
        int n = epoll_wait(poller, events, 128, -1);
        for (int i = 0; i < n; ++i) {
            if (auto* s = static_cast<session<Size>*>(events[i].data.ptr)) {
                // A hang-up may come with the last bytes, and brings no further edge.
                bool over = !s->go_on() || ((events[i].events & EPOLLRDHUP) && !s->go_on());
                if (over) {
                    close(s->handle);
                    delete s;
                }
                continue;
            }
            for (;;) {
                int handle = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (handle < 0)
                    break;
                auto* s = new session<Size>;
                s->handle = handle;
                wanted.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
                wanted.data.ptr = s;
                if (epoll_ctl(poller, EPOLL_CTL_ADD, handle, &wanted) != 0)
                    fail("epoll_ctl");
            }
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    auto start = []<std::size_t Size>(bool tcp) { serve<Size>(raw::listen_on(tcp, SOCK_NONBLOCK)); };
    if (argc != 3 || !raw::serve_as_told(argv[1], argv[2], start)) {
        std::fputs("arguments: tcp|local 64|1024|8192|32768\n", stderr);
        return 2;
    }
    return 0;
}
