// SPDX-License-Identifier: BSL-1.0

// The limit: an echo server for one purpose, straight on edge-triggered epoll. Arguments: tcp|local 64|1024|8192|32768

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

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

int listen_on(bool tcp) {
    int handle = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_storage address{};
    socklen_t size;
    if (tcp) {
        auto& in = reinterpret_cast<sockaddr_in&>(address);
        in.sin_family = AF_INET;
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        size = sizeof in;
    } else {
        auto& un = reinterpret_cast<sockaddr_un&>(address);
        un.sun_family = AF_UNIX;
        std::string name = "rill-bench-" + std::to_string(getpid());
        std::memcpy(un.sun_path + 1, name.data(), name.size());
        size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    }
    if (handle < 0 || bind(handle, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(handle, SOMAXCONN) != 0)
        fail("listen");
    if (tcp) {
        getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size);
        std::printf("port %d\n", ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port));
        std::fflush(stdout);
    }
    return handle;
}

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
    std::string transport = argc == 3 ? argv[1] : "";
    std::string size = argc == 3 ? argv[2] : "";
    if (transport != "tcp" && transport != "local")
        size.clear();
    if (size == "64")
        serve<64>(listen_on(transport == "tcp"));
    else if (size == "1024")
        serve<1024>(listen_on(transport == "tcp"));
    else if (size == "8192")
        serve<8192>(listen_on(transport == "tcp"));
    else if (size == "32768")
        serve<32768>(listen_on(transport == "tcp"));
    std::fputs("arguments: tcp|local 64|1024|8192|32768\n", stderr);
    return 2;
}
