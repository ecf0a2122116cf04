// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <linux/io_uring.h>

/// What the library uses of io_uring beyond Linux 5.11, by number: the headers may be older than the kernel that runs.
/// Source: <linux/io_uring.h> of the kernel version that stands behind each.
namespace rill::engine::system::ring_constant {

// io_uring_setup()
inline constexpr std::uint32_t setup_submit_all = 1u << 7;      // 5.18
inline constexpr std::uint32_t setup_coop_taskrun = 1u << 8;    // 5.19
inline constexpr std::uint32_t setup_taskrun_flag = 1u << 9;    // 5.19
inline constexpr std::uint32_t setup_single_issuer = 1u << 12;  // 6.0
inline constexpr std::uint32_t setup_defer_taskrun = 1u << 13;  // 6.1

inline constexpr std::uint32_t feature_rsrc_tags = 1u << 10;  // 5.13, as is the multishot poll
inline constexpr std::uint32_t feature_cqe_skip = 1u << 11;   // 5.17

inline constexpr std::uint32_t enter_registered_ring = 1u << 4;  // 5.18

inline constexpr std::uint32_t queue_overflow = 1u << 1;  // 5.8
inline constexpr std::uint32_t queue_taskrun = 1u << 2;   // 5.19

inline constexpr std::uint8_t skip_success = 1u << 6;  // 5.17

inline constexpr std::uint32_t poll_multishot = 1u << 0;      // 5.13
inline constexpr std::uint16_t receive_poll_first = 1u << 0;  // 5.19
inline constexpr std::uint16_t receive_multishot = 1u << 1;   // 6.0
inline constexpr std::uint16_t accept_multishot = 1u << 0;    // 5.19
inline constexpr std::uint16_t send_registered = 1u << 2;     // 6.0
inline constexpr std::uint16_t accept_poll_first = 1u << 2;   // 6.10

inline constexpr std::uint32_t has_buffer = 1u << 0;        // 5.7
inline constexpr unsigned buffer_shift = 16;                // 5.7
inline constexpr std::uint32_t more_follows = 1u << 1;      // 5.13
inline constexpr std::uint32_t socket_non_empty = 1u << 2;  // 5.19; of an accept 6.10
inline constexpr std::uint32_t notification = 1u << 3;      // 6.0

inline constexpr std::uint8_t operation_socket = 45;      // 5.19
inline constexpr std::uint8_t operation_send_zc = 47;     // 6.0
inline constexpr std::uint8_t operation_sendmsg_zc = 48;  // 6.1

inline constexpr unsigned register_memory = 15;            // 5.13
inline constexpr unsigned update_memory = 16;              // 5.13
inline constexpr std::uint32_t register_sparse = 1u << 0;  // 5.19
inline constexpr unsigned register_ring_handles = 20;      // 5.18
inline constexpr unsigned unregister_ring_handles = 21;    // 5.18
inline constexpr unsigned register_buffer_ring = 22;       // 5.19
inline constexpr unsigned unregister_buffer_ring = 23;     // 5.19

}  // namespace rill::engine::system::ring_constant
