// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

#include RILL_SYSTEM(native.hpp)

#include <cstddef>

/// Calls on sockets, thin. Each hides EINTR; @p ec is left alone on success, and is the system's own code otherwise.
/// New sockets are non-blocking and closed on exec; sending never raises SIGPIPE.
namespace rill::engine::system {

/// What a transfer came to: bytes, or below zero the negated error number. No error_code: most are "not now".
using transfer_result = std::ptrdiff_t;

inline error_code error_of(transfer_result failed) noexcept {
    return error_code(static_cast<int>(-failed), boost::system::system_category());
}

RILL_DECL native_handle open_socket(int family, int type, int protocol, error_code& ec) noexcept;
RILL_DECL bool open_socket_pair(int family, int type, int protocol, native_handle (&pair)[2], error_code& ec) noexcept;
/// For a socket that comes from outside: sending on it never raises SIGPIPE from now on.
RILL_DECL void prepare_to_send(native_handle s) noexcept;
RILL_DECL bool bind(native_handle s, const void* address, std::size_t size, error_code& ec) noexcept;
RILL_DECL bool listen(native_handle s, int backlog, error_code& ec) noexcept;
RILL_DECL bool connect(native_handle s, const void* address, std::size_t size, error_code& ec) noexcept;
RILL_DECL native_handle accept(native_handle s, native_address* peer, native_address_size* size,
                               error_code& ec) noexcept;

RILL_DECL transfer_result receive(native_handle s, native_buffer* buffers, std::size_t count, int flags) noexcept;
/// receive() that also tells whether control data was cut off (MSG_CTRUNC), which on a local socket marks a boundary.
RILL_DECL transfer_result receive_local(native_handle s, native_buffer* buffers, std::size_t count, int flags,
                                        bool& at_boundary) noexcept;
RILL_DECL transfer_result send(native_handle s, native_buffer* buffers, std::size_t count, int flags) noexcept;

RILL_DECL bool shut_down(native_handle s, int how, error_code& ec) noexcept;
RILL_DECL bool set_option(native_handle s, int level, int name, const void* data, std::size_t size,
                          error_code& ec) noexcept;
RILL_DECL bool get_option(native_handle s, int level, int name, void* data, std::size_t& size, error_code& ec) noexcept;
RILL_DECL bool local_address(native_handle s, void* address, std::size_t& size, error_code& ec) noexcept;
RILL_DECL bool peer_address(native_handle s, void* address, std::size_t& size, error_code& ec) noexcept;
RILL_DECL bool io_control(native_handle s, int command, int& value, error_code& ec) noexcept;
RILL_DECL bool at_mark(native_handle s, error_code& ec) noexcept;

/// The error that a connection attempt, or the network, has left on the socket. Source: POSIX.1-2024 SO_ERROR.
RILL_DECL error_code pending_error(native_handle s) noexcept;

/// Codes that mean "not now".
inline bool would_block(int error) noexcept {
    return error == error_number::would_block || error == error_number::try_again;
}
inline bool would_block(const error_code& ec) noexcept { return would_block(ec.value()); }
inline bool transfer_would_block(transfer_result failed) noexcept { return would_block(static_cast<int>(-failed)); }

}  // namespace rill::engine::system

#include RILL_BODY(socket_calls.ipp)
