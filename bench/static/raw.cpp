// SPDX-License-Identifier: BSL-1.0

// A minimal echo server straight on epoll, level-triggered.

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int main() {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(7000);
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, 128) != 0)
        return 1;
    int poller = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{EPOLLIN, {.fd = listener}};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    char data[1024];
    for (;;) {
        if (epoll_wait(poller, &event, 1, -1) != 1)
            continue;
        int handle = event.data.fd;
        if (handle == listener) {
            epoll_event connected{EPOLLIN, {.fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)}};
            epoll_ctl(poller, EPOLL_CTL_ADD, connected.data.fd, &connected);
            continue;
        }
        // A reply that does not fit the socket's buffer ends the connection: this is no more than a floor.
        ssize_t n = recv(handle, data, sizeof data, 0);
        if (n <= 0 || send(handle, data, static_cast<size_t>(n), MSG_NOSIGNAL) != n)
            close(handle);
    }
}
