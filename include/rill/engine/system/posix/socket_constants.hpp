// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>

#include RILL_KERNEL(socket_facts.hpp)

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/// The platform's numbers for sockets. Source: POSIX.1-2024 <sys/socket.h>, <netinet/in.h>, <netinet/tcp.h>.
namespace rill::engine::socket_constant {

inline constexpr int family_unspecified = AF_UNSPEC;
inline constexpr int family_ipv4 = AF_INET;
inline constexpr int family_ipv6 = AF_INET6;
inline constexpr int family_local = AF_UNIX;

inline constexpr int type_stream = SOCK_STREAM;
inline constexpr int type_datagram = SOCK_DGRAM;
inline constexpr int type_raw = SOCK_RAW;
inline constexpr int type_sequenced_packet = SOCK_SEQPACKET;

inline constexpr int protocol_ip = IPPROTO_IP;
inline constexpr int protocol_ipv6 = IPPROTO_IPV6;
inline constexpr int protocol_icmp = IPPROTO_ICMP;
inline constexpr int protocol_icmpv6 = IPPROTO_ICMPV6;
inline constexpr int protocol_tcp = IPPROTO_TCP;
inline constexpr int protocol_udp = IPPROTO_UDP;

inline constexpr int socket_level = SOL_SOCKET;
inline constexpr int broadcast = SO_BROADCAST;
inline constexpr int debug = SO_DEBUG;
inline constexpr int do_not_route = SO_DONTROUTE;
inline constexpr int error = SO_ERROR;
inline constexpr int keep_alive = SO_KEEPALIVE;
inline constexpr int linger = SO_LINGER;
inline constexpr int out_of_band_inline = SO_OOBINLINE;
inline constexpr int receive_buffer_size = SO_RCVBUF;
inline constexpr int receive_low_watermark = SO_RCVLOWAT;
inline constexpr int reuse_address = SO_REUSEADDR;
inline constexpr int reuse_port = SO_REUSEPORT;
inline constexpr int send_buffer_size = SO_SNDBUF;
inline constexpr int send_low_watermark = SO_SNDLOWAT;

/// Whether a listener needs reuse_address to take the address of one that is gone, and whose connections linger.
inline constexpr bool listeners_need_reuse_address = true;

inline constexpr int tcp_no_delay = TCP_NODELAY;
inline constexpr int ipv6_only = IPV6_V6ONLY;

/// The level of options that the library keeps itself and the system never sees. No system level is negative.
inline constexpr int custom_level = -0x5100000;
inline constexpr int enable_connection_aborted_name = 1;

inline constexpr int message_peek = MSG_PEEK;
inline constexpr int message_out_of_band = MSG_OOB;
inline constexpr int message_do_not_route = MSG_DONTROUTE;
inline constexpr int message_end_of_record = MSG_EOR;

inline constexpr int shutdown_receive = SHUT_RD;
inline constexpr int shutdown_send = SHUT_WR;
inline constexpr int shutdown_both = SHUT_RDWR;

inline constexpr int max_listen_connections = SOMAXCONN;

/// ioctl(): how many bytes can be read without blocking.
inline constexpr int bytes_readable_command = FIONREAD;

}  // namespace rill::engine::socket_constant

namespace rill::engine {

/// What the SO_LINGER option takes.
using native_linger = ::linger;

}  // namespace rill::engine
