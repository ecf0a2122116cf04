// SPDX-License-Identifier: BSL-1.0

// An echo server on libevent's bufferevents, which own their buffers. Arguments: tcp|local SIZE (not used)

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

void echo(bufferevent* connection, void*) { bufferevent_write_buffer(connection, bufferevent_get_input(connection)); }

void end(bufferevent* connection, short what, void*) {
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        bufferevent_free(connection);
}

void accept(evconnlistener* listener, evutil_socket_t handle, sockaddr*, int, void*) {
    // It sends large replies in pieces, of which the last would wait for an acknowledgement. (Local sockets refuse.)
    int on = 1;
    setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bufferevent* connection = bufferevent_socket_new(evconnlistener_get_base(listener), handle, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(connection, echo, nullptr, end, nullptr);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
}

}  // namespace

int main(int argc, char** argv) {
    std::string transport = argc == 3 ? argv[1] : "";
    sockaddr_storage address{};
    int size = 0;
    if (transport == "tcp") {
        auto& in = reinterpret_cast<sockaddr_in&>(address);
        in.sin_family = AF_INET;
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        size = sizeof in;
    } else if (transport == "local") {
        auto& un = reinterpret_cast<sockaddr_un&>(address);
        un.sun_family = AF_UNIX;
        std::string name = "rill-bench-" + std::to_string(getpid());
        std::memcpy(un.sun_path + 1, name.data(), name.size());
        size = static_cast<int>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    } else {
        std::fputs("arguments: tcp|local SIZE\n", stderr);
        return 2;
    }
    event_base* base = event_base_new();
    evconnlistener* listener =
        evconnlistener_new_bind(base, accept, nullptr, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, SOMAXCONN,
                                reinterpret_cast<sockaddr*>(&address), size);
    if (!listener) {
        std::perror("listen");
        return 1;
    }
    if (transport == "tcp") {
        socklen_t written = sizeof address;
        getsockname(evconnlistener_get_fd(listener), reinterpret_cast<sockaddr*>(&address), &written);
        std::printf("port %d\n", ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port));
        std::fflush(stdout);
    }
    return event_base_dispatch(base);
}
