// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/windows/winsock.hpp>

#include <afunix.h>
#include <cstddef>
#include <cstring>
#include <iphlpapi.h>
#include <string>
#include <vector>

/// Sockets as the system has them, without the library. Those that are made here block.
namespace bare {

using handle = ::SOCKET;
inline constexpr handle none = INVALID_SOCKET;

inline constexpr int shutdown_receive = SD_RECEIVE, shutdown_send = SD_SEND, shutdown_both = SD_BOTH;
inline constexpr int end_of_record = 0;

inline handle open_stream(int family) {
    static const bool started = [] {
        ::WSADATA ignored;
        return ::WSAStartup(MAKEWORD(2, 2), &ignored) == 0;
    }();
    return started ? ::socket(family, SOCK_STREAM, 0) : none;
}

inline void close(handle h) { ::closesocket(h); }

/// Two streams that are connected to each other.
inline bool open_pair(handle (&ends)[2]) {
    const handle listener = open_stream(AF_INET);
    ::sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int size = sizeof(at);
    auto* address = reinterpret_cast<::sockaddr*>(&at);
    ends[0] = open_stream(AF_INET);
    const bool connected = ::bind(listener, address, size) == 0 && ::listen(listener, 1) == 0 &&
                           ::getsockname(listener, address, &size) == 0 && ::connect(ends[0], address, size) == 0;
    ends[1] = connected ? ::accept(listener, nullptr, nullptr) : INVALID_SOCKET;
    close(listener);
    return ends[1] != INVALID_SOCKET;
}

inline bool is_open(handle h) {
    int type = 0, size = sizeof(type);
    return ::getsockopt(h, SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&type), &size) == 0;
}

inline std::ptrdiff_t send(handle h, const void* data, std::size_t size) {
    return ::send(h, static_cast<const char*>(data), static_cast<int>(size), 0);
}

inline std::ptrdiff_t receive(handle h, void* data, std::size_t size) {
    return ::recv(h, static_cast<char*>(data), static_cast<int>(size), 0);
}

inline bool set_option(handle h, int level, int name, const void* data, std::size_t size) {
    return ::setsockopt(h, level, name, static_cast<const char*>(data), static_cast<int>(size)) == 0;
}

/// Returns the size; 0 if it fails. Of a flag the system may write one byte.
inline std::size_t get_option(handle h, int level, int name, void* data, std::size_t size) {
    std::memset(data, 0, size);
    int native_size = static_cast<int>(size);
    if (::getsockopt(h, level, name, static_cast<char*>(data), &native_size) != 0)
        return 0;
    return native_size == 1 ? size : static_cast<std::size_t>(native_size);
}

inline const void* data_of(const ::WSABUF& b) { return b.buf; }
inline std::size_t size_of(const ::WSABUF& b) { return b.len; }

inline bool listen(handle h, int backlog) { return ::listen(h, backlog) == 0; }

inline bool control(handle h, int command, int* value) {
    auto native_value = static_cast<::u_long>(*value);
    const bool done = ::ioctlsocket(h, command, &native_value) == 0;
    *value = static_cast<int>(native_value);
    return done;
}

struct interface_name {
    std::string name;
    unsigned index;
};

/// The network interfaces that there are.
inline std::vector<interface_name> interfaces() {
    std::vector<interface_name> found;
    for (unsigned index = 1; index < 100; ++index) {
        char name[IF_MAX_STRING_SIZE + 1];
        if (::if_indextoname(index, name))
            found.push_back({name, index});
    }
    return found;
}

}  // namespace bare
