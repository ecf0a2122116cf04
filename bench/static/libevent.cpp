// SPDX-License-Identifier: BSL-1.0

// A minimal echo server with libevent's bufferevents.

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>

void echo(bufferevent* connection, void*) { bufferevent_write_buffer(connection, bufferevent_get_input(connection)); }

void end(bufferevent* connection, short what, void*) {
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        bufferevent_free(connection);
}

void accept(evconnlistener* listener, evutil_socket_t handle, sockaddr*, int, void*) {
    bufferevent* connection = bufferevent_socket_new(evconnlistener_get_base(listener), handle, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(connection, echo, nullptr, end, nullptr);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
}

int main() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(7000);
    event_base* base = event_base_new();
    if (!evconnlistener_new_bind(base, accept, nullptr, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, -1,
                                 reinterpret_cast<sockaddr*>(&address), sizeof address))
        return 1;
    return event_base_dispatch(base);
}
