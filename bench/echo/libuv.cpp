// SPDX-License-Identifier: BSL-1.0

// An echo server on libuv, with its requests in the session. Arguments: tcp|local 64|1024|8192|32768

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

namespace {

void check(int result, const char* what) {
    if (result >= 0)
        return;
    std::fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
    std::exit(1);
}

std::size_t buffer_size = 0;

struct session {
    union {
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    uv_write_t write;
    std::unique_ptr<char[]> data{new char[buffer_size]};

    uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp); }

    void close() {
        uv_close(reinterpret_cast<uv_handle_t*>(&tcp),
                 [](uv_handle_t* handle) { delete static_cast<session*>(handle->data); });
    }
};

void lend(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    *buffer = uv_buf_init(static_cast<session*>(handle->data)->data.get(), static_cast<unsigned>(buffer_size));
}

// Reading stops until the reply is out: there is one buffer.
void on_read(uv_stream_t* stream, ssize_t n, const uv_buf_t* buffer) {
    auto& s = *static_cast<session*>(stream->data);
    if (n == 0)
        return;
    if (n < 0)
        return s.close();
    uv_buf_t reply = uv_buf_init(buffer->base, static_cast<unsigned>(n));
    // What the kernel takes at once needs no request.
    int sent = uv_try_write(stream, &reply, 1);
    if (sent == n)
        return;
    if (sent < 0 && sent != UV_EAGAIN)
        return s.close();
    if (sent > 0)
        reply = uv_buf_init(reply.base + sent, static_cast<unsigned>(n - sent));
    uv_read_stop(stream);
    check(uv_write(&s.write, stream, &reply, 1,
                   [](uv_write_t* request, int status) {
                       auto& self = *static_cast<session*>(request->handle->data);
                       if (status < 0)
                           self.close();
                       else
                           check(uv_read_start(self.stream(), lend, on_read), "uv_read_start");
                   }),
          "uv_write");
}

void on_connection(uv_stream_t* listener, int status) {
    check(status, "accept");
    auto* s = new session;
    if (listener->type == UV_TCP)
        check(uv_tcp_init(listener->loop, &s->tcp), "uv_tcp_init");
    else
        check(uv_pipe_init(listener->loop, &s->pipe, 0), "uv_pipe_init");
    s->stream()->data = s;
    check(uv_accept(listener, s->stream()), "uv_accept");
    check(uv_read_start(s->stream(), lend, on_read), "uv_read_start");
}

}  // namespace

int main(int argc, char** argv) {
    std::string transport = argc == 3 ? argv[1] : "";
    buffer_size = argc == 3 ? static_cast<std::size_t>(std::atol(argv[2])) : 0;
    if ((transport != "tcp" && transport != "local") || buffer_size == 0) {
        std::fputs("arguments: tcp|local 64|1024|8192|32768\n", stderr);
        return 2;
    }
    uv_loop_t* loop = uv_default_loop();
    uv_tcp_t tcp;
    uv_pipe_t pipe;
    std::string path = "libuv-" + std::to_string(getpid());  // libuv 1.44 knows no abstract addresses
    if (transport == "tcp") {
        sockaddr_in address;
        check(uv_ip4_addr("127.0.0.1", 0, &address), "uv_ip4_addr");
        check(uv_tcp_init(loop, &tcp), "uv_tcp_init");
        check(uv_tcp_bind(&tcp, reinterpret_cast<sockaddr*>(&address), 0), "uv_tcp_bind");
        check(uv_listen(reinterpret_cast<uv_stream_t*>(&tcp), SOMAXCONN, on_connection), "uv_listen");
        int size = sizeof address;
        check(uv_tcp_getsockname(&tcp, reinterpret_cast<sockaddr*>(&address), &size), "uv_tcp_getsockname");
        std::printf("port %d\n", ntohs(address.sin_port));
        std::fflush(stdout);
    } else {
        check(uv_pipe_init(loop, &pipe, 0), "uv_pipe_init");
        unlink(path.c_str());
        check(uv_pipe_bind(&pipe, path.c_str()), "uv_pipe_bind");
        check(uv_listen(reinterpret_cast<uv_stream_t*>(&pipe), SOMAXCONN, on_connection), "uv_listen");
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
