// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>
#include <rill/io/io_control.hpp>
#include <rill/io/socket_option.hpp>

#include RILL_SYSTEM(socket_constants.hpp)

namespace rill {

/// The names that all sockets share.
///
/// Source    POSIX.1-2024 <sys/socket.h>
class socket_base {
    template <int Name>
    using boolean = engine::socket_option::boolean<engine::socket_constant::socket_level, Name>;
    template <int Name>
    using integer = engine::socket_option::integer<engine::socket_constant::socket_level, Name>;

public:
    /// Which direction shutdown() ends.
    enum shutdown_type {
        shutdown_receive = engine::socket_constant::shutdown_receive,
        shutdown_send = engine::socket_constant::shutdown_send,
        shutdown_both = engine::socket_constant::shutdown_both,
    };

    /// What wait() waits for: that an operation would not block, or that there is an exceptional condition.
    enum wait_type { wait_read, wait_write, wait_error };

    /// Flags of one send or receive, combined with `|`.
    using message_flags = int;

    /// Leaves what is received to be received again.
    static constexpr message_flags message_peek = engine::socket_constant::message_peek;
    static constexpr message_flags message_out_of_band = engine::socket_constant::message_out_of_band;
    static constexpr message_flags message_do_not_route = engine::socket_constant::message_do_not_route;
    static constexpr message_flags message_end_of_record = engine::socket_constant::message_end_of_record;

    /// The longest queue of connections that wait to be accepted.
    static constexpr int max_listen_connections = engine::socket_constant::max_listen_connections;

    /// Permits sending to broadcast addresses.
    using broadcast = boolean<engine::socket_constant::broadcast>;
    using debug = boolean<engine::socket_constant::debug>;
    using do_not_route = boolean<engine::socket_constant::do_not_route>;
    using keep_alive = boolean<engine::socket_constant::keep_alive>;
    using linger =
        engine::socket_option::linger<engine::socket_constant::socket_level, engine::socket_constant::linger>;

    /// Puts out-of-band data among the rest.
    using out_of_band_inline = boolean<engine::socket_constant::out_of_band_inline>;

    /// In bytes. Linux doubles what is set, for its own book-keeping: socket(7).
    using receive_buffer_size = integer<engine::socket_constant::receive_buffer_size>;
    using send_buffer_size = integer<engine::socket_constant::send_buffer_size>;
    using receive_low_watermark = integer<engine::socket_constant::receive_low_watermark>;
    using send_low_watermark = integer<engine::socket_constant::send_low_watermark>;

    /// Permits binding to an address that a closed connection still occupies.
    using reuse_address = boolean<engine::socket_constant::reuse_address>;

    /// Permits several sockets of one user to bind to the same address and port, if each has it set before; the system
    /// shares the connections, or datagrams, out among them.
    ///
    /// Source    socket(7) SO_REUSEPORT
    using reuse_port = boolean<engine::socket_constant::reuse_port>;

    /// Lets an accept fail with connection_aborted; without it such connections are passed over. Never reaches the
    /// system.
    using enable_connection_aborted =
        engine::socket_option::boolean<engine::socket_constant::custom_level,
                                       engine::socket_constant::enable_connection_aborted_name>;

    /// A command for io_control(): how many bytes can be read without blocking.
    using bytes_readable = engine::io_control::bytes_readable;

protected:
    socket_base() noexcept = default;
    ~socket_base() = default;
};

}  // namespace rill
