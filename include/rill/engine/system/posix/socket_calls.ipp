// SPDX-License-Identifier: BSL-1.0
#pragma once

#include RILL_SYSTEM(socket_calls.hpp)

#include RILL_SYSTEM(descriptor.hpp)
#include RILL_SYSTEM(socket_constants.hpp)
#include RILL_KERNEL(broken_pipe_signal.hpp)
#include RILL_KERNEL(new_descriptors.hpp)

#include <cerrno>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rill::engine::system {

/// Repeats a call that a signal has interrupted.
template <class Call>
inline auto uninterrupted(Call call, error_code& ec) noexcept {
    for (;;) {
        auto result = call();
        if (result >= 0)
            return result;
        if (errno != EINTR) {
            ec = last_error();
            return result;
        }
    }
}

RILL_DECL native_handle open_socket(int family, int type, int protocol, error_code& ec) noexcept {
    return uninterrupted([&] { return new_socket(family, type, protocol); }, ec);
}

RILL_DECL bool open_socket_pair(int family, int type, int protocol, native_handle (&pair)[2], error_code& ec) noexcept {
    return uninterrupted([&] { return new_socket_pair(family, type, protocol, pair); }, ec) == 0;
}

RILL_DECL void prepare_to_send(native_handle s) noexcept { without_signal(s); }

RILL_DECL bool bind(native_handle s, const void* address, std::size_t size, error_code& ec) noexcept {
    return uninterrupted(
               [&] {
                   return ::bind(s, static_cast<const native_address*>(address),
                                 static_cast<native_address_size>(size));
               },
               ec) == 0;
}

RILL_DECL bool listen(native_handle s, int backlog, error_code& ec) noexcept {
    return uninterrupted([&] { return ::listen(s, backlog); }, ec) == 0;
}

// Not repeated after EINTR: the attempt goes on by itself, as POSIX says of connect(), and is then "in progress".
RILL_DECL bool connect(native_handle s, const void* address, std::size_t size, error_code& ec) noexcept {
    if (::connect(s, static_cast<const native_address*>(address), static_cast<native_address_size>(size)) == 0)
        return true;
    ec = last_error();
    if (ec.value() == EINTR)
        ec = error::in_progress;
    return false;
}

RILL_DECL native_handle accept(native_handle s, native_address* peer, native_address_size* size,
                               error_code& ec) noexcept {
    return uninterrupted([&] { return new_connection(s, peer, size); }, ec);
}

/// The same for transfers.
template <class Call>
inline transfer_result transferred(Call call) noexcept {
    for (;;) {
        transfer_result n = call();
        if (n >= 0) [[likely]]
            return n;
        if (errno != EINTR)
            return -errno;
    }
}

inline ::msghdr make_message(native_buffer* buffers, std::size_t count) noexcept {
    ::msghdr message{};
    message.msg_iov = buffers;
    message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);  // size_t, or int as POSIX has it
    return message;
}

RILL_COLD RILL_DECL transfer_result receive_message(native_handle s, native_buffer* buffers, std::size_t count,
                                                    int flags) noexcept {
    ::msghdr message = make_message(buffers, count);
    return transferred([&] { return ::recvmsg(s, &message, flags); });
}

RILL_DECL transfer_result receive(native_handle s, native_buffer* buffers, std::size_t count, int flags) noexcept {
    if (count != 1) [[unlikely]]
        return receive_message(s, buffers, count, flags);
    return transferred([=] { return ::recv(s, buffers->iov_base, buffers->iov_len, flags); });
}

RILL_DECL transfer_result receive_local(native_handle s, native_buffer* buffers, std::size_t count, int flags,
                                        bool& at_boundary) noexcept {
    ::msghdr message = make_message(buffers, count);
    auto n = transferred([&] { return ::recvmsg(s, &message, flags); });
    at_boundary = (message.msg_flags & MSG_CTRUNC) != 0;
    return n;
}

RILL_COLD RILL_DECL transfer_result send_message(native_handle s, native_buffer* buffers, std::size_t count,
                                                 int flags) noexcept {
    ::msghdr message = make_message(buffers, count);
    return transferred([&] { return ::sendmsg(s, &message, flags | socket_constant::message_no_signal); });
}

RILL_DECL transfer_result send(native_handle s, native_buffer* buffers, std::size_t count, int flags) noexcept {
    if (count != 1) [[unlikely]]
        return send_message(s, buffers, count, flags);
    return transferred(
        [=] { return ::send(s, buffers->iov_base, buffers->iov_len, flags | socket_constant::message_no_signal); });
}

RILL_DECL bool shut_down(native_handle s, int how, error_code& ec) noexcept {
    return uninterrupted([&] { return ::shutdown(s, how); }, ec) == 0;
}

RILL_DECL bool set_option(native_handle s, int level, int name, const void* data, std::size_t size,
                          error_code& ec) noexcept {
    return uninterrupted([&] { return ::setsockopt(s, level, name, data, static_cast<native_address_size>(size)); },
                         ec) == 0;
}

RILL_DECL bool get_option(native_handle s, int level, int name, void* data, std::size_t& size,
                          error_code& ec) noexcept {
    auto native_size = static_cast<native_address_size>(size);
    bool done = uninterrupted([&] { return ::getsockopt(s, level, name, data, &native_size); }, ec) == 0;
    size = native_size;
    return done;
}

RILL_DECL bool local_address(native_handle s, void* address, std::size_t& size, error_code& ec) noexcept {
    auto native_size = static_cast<native_address_size>(size);
    bool done =
        uninterrupted([&] { return ::getsockname(s, static_cast<native_address*>(address), &native_size); }, ec) == 0;
    size = native_size;
    return done;
}

RILL_DECL bool peer_address(native_handle s, void* address, std::size_t& size, error_code& ec) noexcept {
    auto native_size = static_cast<native_address_size>(size);
    bool done =
        uninterrupted([&] { return ::getpeername(s, static_cast<native_address*>(address), &native_size); }, ec) == 0;
    size = native_size;
    return done;
}

RILL_DECL bool io_control(native_handle s, int command, int& value, error_code& ec) noexcept {
    return uninterrupted([&] { return ::ioctl(s, static_cast<unsigned>(command), &value); }, ec) >= 0;
}

RILL_DECL bool at_mark(native_handle s, error_code& ec) noexcept {
    return uninterrupted([&] { return ::sockatmark(s); }, ec) == 1;
}

RILL_DECL error_code pending_error(native_handle s) noexcept {
    int value = 0;
    std::size_t size = sizeof(value);
    error_code ec;
    if (get_option(s, SOL_SOCKET, SO_ERROR, &value, size, ec) && value != 0)
        ec = error_code(value, boost::system::system_category());
    return ec;
}

}  // namespace rill::engine::system
