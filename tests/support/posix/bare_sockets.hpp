// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <arpa/inet.h>
#include <cstddef>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

/// Sockets as the system has them, without the library. Those that are made here block.
namespace bare {

using handle = int;
inline constexpr handle none = -1;

inline constexpr int shutdown_receive = SHUT_RD, shutdown_send = SHUT_WR, shutdown_both = SHUT_RDWR;
inline constexpr int end_of_record = MSG_EOR;

/// Two streams that are connected to each other.
inline bool open_pair(handle (&ends)[2]) { return ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0; }

inline handle open_stream(int family) { return ::socket(family, SOCK_STREAM, 0); }

inline void close(handle h) { ::close(h); }

inline bool is_open(handle h) { return ::fcntl(h, F_GETFD) >= 0; }

// With TEST_HAS_DESCRIPTORS only.
inline bool is_non_blocking(handle h) { return (::fcntl(h, F_GETFL) & O_NONBLOCK) != 0; }
inline bool closes_on_exec(handle h) { return (::fcntl(h, F_GETFD) & FD_CLOEXEC) != 0; }

inline std::ptrdiff_t send(handle h, const void* data, std::size_t size) { return ::send(h, data, size, MSG_NOSIGNAL); }

inline std::ptrdiff_t receive(handle h, void* data, std::size_t size) { return ::recv(h, data, size, 0); }

inline bool set_option(handle h, int level, int name, const void* data, std::size_t size) {
    return ::setsockopt(h, level, name, data, static_cast<::socklen_t>(size)) == 0;
}

/// Returns the size; 0 if it fails.
inline std::size_t get_option(handle h, int level, int name, void* data, std::size_t size) {
    auto native_size = static_cast<::socklen_t>(size);
    return ::getsockopt(h, level, name, data, &native_size) == 0 ? native_size : 0;
}

inline const void* data_of(const ::iovec& b) { return b.iov_base; }
inline std::size_t size_of(const ::iovec& b) { return b.iov_len; }

inline bool listen(handle h, int backlog) { return ::listen(h, backlog) == 0; }

inline bool control(handle h, int command, int* value) {
    return ::ioctl(h, static_cast<unsigned long>(command), value) == 0;
}

struct interface_name {
    std::string name;
    unsigned index;
};

/// The network interfaces that there are.
inline std::vector<interface_name> interfaces() {
    std::vector<interface_name> found;
    struct if_nameindex* const all = ::if_nameindex();
    for (const struct if_nameindex* each = all; each && each->if_index != 0; ++each)
        found.push_back({each->if_name, each->if_index});
    ::if_freenameindex(all);
    return found;
}

}  // namespace bare
