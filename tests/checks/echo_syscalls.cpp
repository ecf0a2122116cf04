// SPDX-License-Identifier: BSL-1.0
// Echoes as many 64-byte messages as the first argument says. The client, a child process, uses plain blocking calls:
// a tracer that does not follow children sees the server's calls alone.
#include <rill/rill.hpp>

#include <cstdlib>
#include <sys/wait.h>

using rill::ip::tcp;

namespace {

struct session {
    tcp::socket socket;
    char data[256];

    void read() {
        socket.async_read_some(rill::buffer(data), [this](rill::error_code ec, std::size_t n) {
            if (!ec)
                write(n);
        });
    }
    void write(std::size_t n) {
        async_write(socket, rill::buffer(data, n), [this](rill::error_code ec, std::size_t) {
            if (!ec)
                read();
        });
    }
};

int run_client(const tcp::endpoint& server, int messages) {
    rill::io_context ctx(1);
    tcp::socket socket(ctx);
    socket.connect(server);
    char message[64] = {};
    for (int i = 0; i < messages; ++i) {
        write(socket, rill::buffer(message));
        read(socket, rill::buffer(message));
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    int messages = argc > 1 ? std::atoi(argv[1]) : 1000;
    rill::io_context ctx(1);
    tcp::acceptor acceptor(ctx, tcp::endpoint(rill::ip::address_v4::loopback(), 0));
    tcp::endpoint here = acceptor.local_endpoint();
    pid_t child = fork();
    if (child == 0)
        _exit(run_client(here, messages));
    session s{acceptor.accept(), {}};
    s.read();
    ctx.run();
    int status = 1;
    waitpid(child, &status, 0);
    return status == 0 ? 0 : 1;
}
