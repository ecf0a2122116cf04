// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the servers have in common that are written by hand for one purpose.

#include <arpa/inet.h>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace raw {

[[noreturn]] inline void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

/// A listener on the loopback interface, whose port is written to standard output, or on an abstract local address.
inline int listen_on(bool tcp, int flags) {
    int handle = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
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

/// Calls serve<SIZE>(is TRANSPORT tcp?) as the arguments say: TRANSPORT SIZE. Returns false if they say nothing.
template <class Serve>
bool serve_as_told(const std::string& transport, const std::string& size, Serve serve) {
    const bool tcp = transport == "tcp";
    if (!tcp && transport != "local")
        return false;
    if (size == "64")
        serve.template operator()<64>(tcp);
    else if (size == "1024")
        serve.template operator()<1024>(tcp);
    else if (size == "8192")
        serve.template operator()<8192>(tcp);
    else if (size == "32768")
        serve.template operator()<32768>(tcp);
    else
        return false;
    return true;
}

}  // namespace raw
