// SPDX-License-Identifier: BSL-1.0
#pragma once

#include RILL_SYSTEM(socket_calls.hpp)

#include RILL_SYSTEM(descriptor.hpp)

#include <cstring>
#include <initializer_list>

namespace rill::engine::system {

RILL_DECL void use_winsock() noexcept {
    struct winsock {
        winsock() noexcept {
            ::WSADATA ignored;
            started = ::WSAStartup(MAKEWORD(2, 2), &ignored) == 0;  // if not, each call says so
        }
        ~winsock() {
            if (started)
                ::WSACleanup();
        }
        bool started;
    };
    static const winsock used;
}

/// Whether a call that answers 0 or SOCKET_ERROR has succeeded.
inline bool succeeded(int result, error_code& ec) noexcept {
    if (result == 0)
        return true;
    ec = last_error();
    return false;
}

RILL_DECL native_handle open_socket(int family, int type, int protocol, error_code& ec) noexcept {
    use_winsock();
    native_handle s =
        ::WSASocketW(family, type, protocol, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (s == no_handle) {
        ec = last_error();
        return no_handle;
    }
    if (error_code refused = set_non_blocking(s, true)) {
        ec = refused;
        close(s);
        return no_handle;
    }
    return s;
}

/// Closes a socket that the caller has no use for after all.
struct socket_guard {
    ~socket_guard() {
        if (handle != no_handle)
            close(handle);
    }
    native_handle handle;
};

// Any process may connect to the listener: what is accepted has to be our own attempt.
RILL_DECL bool open_socket_pair(int, int type, int, native_handle (&pair)[2], error_code& ec) noexcept {
    if (type != SOCK_STREAM) {
        ec = error::operation_not_supported;
        return false;
    }
    socket_guard listener{open_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP, ec)};
    socket_guard first{ec ? no_handle : open_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP, ec)};
    ::sockaddr_in at{}, mine{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::size_t size = sizeof(at), my_size = sizeof(mine);
    if (ec || !bind(listener.handle, &at, sizeof(at), ec) || !listen(listener.handle, 1, ec) ||
        !local_address(listener.handle, &at, size, ec))
        return false;
    if (!connect(first.handle, &at, size, ec) && ec.value() != error_number::in_progress)
        return false;
    ec = error_code();
    if (!local_address(first.handle, &mine, my_size, ec))
        return false;
    for (;;) {
        ::sockaddr_in peer{};
        native_address_size peer_size = sizeof(peer);
        if (!wait_ready(listener.handle, readiness::read, std::chrono::nanoseconds(-1), ec))
            return false;
        socket_guard second{accept(listener.handle, reinterpret_cast<native_address*>(&peer), &peer_size, ec)};
        if (ec.value() == error_number::connection_aborted || would_block(ec)) {
            ec = error_code();
            continue;
        }
        if (ec)
            return false;
        if (peer.sin_port != mine.sin_port || peer.sin_addr.s_addr != mine.sin_addr.s_addr)
            continue;
        if (!wait_ready(first.handle, readiness::write, std::chrono::nanoseconds(-1), ec))
            return false;
        ec = pending_error(first.handle);
        if (ec)
            return false;
        constexpr int on = 1;
        for (native_handle s : {first.handle, second.handle})
            ::setsockopt(s, IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char*>(&on), sizeof(on));
        pair[0] = first.handle;
        pair[1] = second.handle;
        first.handle = second.handle = no_handle;
        return true;
    }
}

RILL_DECL bool bind(native_handle s, const void* address, std::size_t size, error_code& ec) noexcept {
    return succeeded(::bind(s, static_cast<const native_address*>(address), static_cast<native_address_size>(size)),
                     ec);
}

RILL_DECL bool listen(native_handle s, int backlog, error_code& ec) noexcept {
    return succeeded(::listen(s, backlog), ec);
}

RILL_DECL bool connect(native_handle s, const void* address, std::size_t size, error_code& ec) noexcept {
    if (succeeded(::connect(s, static_cast<const native_address*>(address), static_cast<native_address_size>(size)),
                  ec))
        return true;
    if (would_block(ec))
        ec = error::in_progress;
    return false;
}

RILL_DECL native_handle accept(native_handle s, native_address* peer, native_address_size* size,
                               error_code& ec) noexcept {
    native_handle accepted = ::accept(s, peer, size);
    if (accepted == no_handle) {
        ec = last_error();
        if (ec.value() == error_number::connection_reset)
            ec = error::connection_aborted;  // it went away while it waited
        return no_handle;
    }
    ::SetHandleInformation(reinterpret_cast<::HANDLE>(accepted), HANDLE_FLAG_INHERIT, 0);
    if (error_code refused = set_non_blocking(accepted, true)) {
        ec = refused;
        close(accepted);
        return no_handle;
    }
    return accepted;
}

RILL_DECL transfer_result receive(native_handle s, native_buffer* buffers, std::size_t count, int flags) noexcept {
    ::DWORD bytes = 0;
    auto native_flags = static_cast<::DWORD>(flags);
    if (::WSARecv(s, buffers, static_cast<::DWORD>(count), &bytes, &native_flags, nullptr, nullptr) == 0) [[likely]]
        return static_cast<transfer_result>(bytes);
    switch (int number = portable_error(::WSAGetLastError())) {
    case error_number::message_size: return static_cast<transfer_result>(bytes);  // the rest of the datagram is lost
    case error_number::shut_down: return 0;                                       // by this side: the end
    default: return -number;
    }
}

RILL_DECL transfer_result send(native_handle s, native_buffer* buffers, std::size_t count, int flags) noexcept {
    ::DWORD bytes = 0;
    if (::WSASend(s, buffers, static_cast<::DWORD>(count), &bytes, static_cast<::DWORD>(flags), nullptr, nullptr) == 0)
        [[likely]]
        return static_cast<transfer_result>(bytes);
    const int number = portable_error(::WSAGetLastError());
    return number == error_number::shut_down ? -error_number::broken_pipe : -number;
}

RILL_DECL bool shut_down(native_handle s, int how, error_code& ec) noexcept {
    if (!succeeded(::shutdown(s, how), ec))
        return false;
    // What waits in the kernel would go on waiting. Cancelled by nobody, it is begun again, and then told the end.
    if (how != SD_SEND)
        ::CancelIoEx(reinterpret_cast<::HANDLE>(s), nullptr);
    return true;
}

RILL_DECL bool set_option(native_handle s, int level, int name, const void* data, std::size_t size,
                          error_code& ec) noexcept {
    return succeeded(
        ::setsockopt(s, level, name, static_cast<const char*>(data), static_cast<native_address_size>(size)), ec);
}

// The system writes one byte of some flags.
RILL_DECL bool get_option(native_handle s, int level, int name, void* data, std::size_t& size,
                          error_code& ec) noexcept {
    std::memset(data, 0, size);
    auto native_size = static_cast<native_address_size>(size);
    const bool done = succeeded(::getsockopt(s, level, name, static_cast<char*>(data), &native_size), ec);
    if (size != sizeof(int) || native_size != 1)
        size = static_cast<std::size_t>(native_size);
    return done;
}

RILL_DECL bool local_address(native_handle s, void* address, std::size_t& size, error_code& ec) noexcept {
    auto native_size = static_cast<native_address_size>(size);
    bool done = succeeded(::getsockname(s, static_cast<native_address*>(address), &native_size), ec);
    size = static_cast<std::size_t>(native_size);
    return done;
}

RILL_DECL bool peer_address(native_handle s, void* address, std::size_t& size, error_code& ec) noexcept {
    auto native_size = static_cast<native_address_size>(size);
    bool done = succeeded(::getpeername(s, static_cast<native_address*>(address), &native_size), ec);
    size = static_cast<std::size_t>(native_size);
    return done;
}

RILL_DECL bool io_control(native_handle s, int command, int& value, error_code& ec) noexcept {
    auto native_value = static_cast<::u_long>(value);
    const bool done = succeeded(::ioctlsocket(s, command, &native_value), ec);
    value = static_cast<int>(native_value);
    return done;
}

RILL_DECL bool at_mark(native_handle s, error_code& ec) noexcept {
    int value = 0;
    return io_control(s, static_cast<int>(SIOCATMARK), value, ec) && value != 0;
}

RILL_DECL error_code pending_error(native_handle s) noexcept {
    int value = 0;
    std::size_t size = sizeof(value);
    error_code ec;
    if (get_option(s, SOL_SOCKET, SO_ERROR, &value, size, ec) && value != 0)
        ec = make_system_error(portable_error(value));
    return ec;
}

}  // namespace rill::engine::system
