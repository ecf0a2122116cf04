// SPDX-License-Identifier: BSL-1.0

// A minimal echo server with libuv, as its guide writes it.

#include <cstdlib>
#include <uv.h>

struct write_request {
    uv_write_t request;
    uv_buf_t buffer;
};

void closed(uv_handle_t* handle) { std::free(handle); }

void lend(uv_handle_t*, size_t size, uv_buf_t* buffer) {
    *buffer = uv_buf_init(static_cast<char*>(std::malloc(size)), static_cast<unsigned>(size));
}

void written(uv_write_t* request, int) {
    auto* w = reinterpret_cast<write_request*>(request);
    std::free(w->buffer.base);
    std::free(w);
}

void read(uv_stream_t* client, ssize_t n, const uv_buf_t* buffer) {
    if (n > 0) {
        auto* w = static_cast<write_request*>(std::malloc(sizeof(write_request)));
        w->buffer = uv_buf_init(buffer->base, static_cast<unsigned>(n));
        uv_write(&w->request, client, &w->buffer, 1, written);
        return;
    }
    if (n < 0)
        uv_close(reinterpret_cast<uv_handle_t*>(client), closed);
    std::free(buffer->base);
}

void connected(uv_stream_t* server, int status) {
    if (status < 0)
        return;
    auto* client = static_cast<uv_tcp_t*>(std::malloc(sizeof(uv_tcp_t)));
    uv_tcp_init(server->loop, client);
    auto* stream = reinterpret_cast<uv_stream_t*>(client);
    if (uv_accept(server, stream) == 0)
        uv_read_start(stream, lend, read);
    else
        uv_close(reinterpret_cast<uv_handle_t*>(client), closed);
}

int main() {
    uv_loop_t* loop = uv_default_loop();
    uv_tcp_t server;
    uv_tcp_init(loop, &server);
    sockaddr_in address;
    uv_ip4_addr("0.0.0.0", 7000, &address);
    uv_tcp_bind(&server, reinterpret_cast<sockaddr*>(&address), 0);
    if (uv_listen(reinterpret_cast<uv_stream_t*>(&server), 128, connected) != 0)
        return 1;
    return uv_run(loop, UV_RUN_DEFAULT);
}
