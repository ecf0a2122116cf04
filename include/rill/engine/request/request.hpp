// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/small_error.hpp>
#include <rill/engine/request/lent_memory.hpp>
#include <rill/engine/request/task.hpp>

#include RILL_SYSTEM(native.hpp)

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace rill::engine {

struct block;
struct registration;
struct timer_group;

using time_point = std::chrono::steady_clock::time_point;

/// What is asked. Drivers switch over it exhaustively.
enum class request_kind : std::uint8_t {
    receive,     ///< receive_request
    send,        ///< send_request
    accept,      ///< accept_request
    connect,     ///< connect_request
    wait_ready,  ///< wait_request: until the handle is ready, without moving data
    wait_until,  ///< timer_request: never reaches a driver

    receive_block,  ///< receive_block_request: into a block that is taken when there is something
    send_zc,        ///< send_zc_request: a send whose bytes the system need not copy

    overlapped,   ///< overlapped_request: of Windows alone, as is the next
    wait_object,  ///< object_wait_request: until a kernel object is signalled
};

/// Which of a handle's three queues a request waits in.
enum class direction : std::uint8_t { read, write, exceptional };

enum class request_state : std::uint8_t {
    created,   ///< not with the driver yet
    waiting,   ///< with the driver, or in the timer queue
    answered,  ///< result and error are final; it is on its way to its handler, or there
};

/// What a transfer may conclude from the kernel's taking or giving less than was asked.
enum class stream_kind : std::uint8_t {
    none,   ///< nothing: datagrams, devices, unknown descriptors
    other,  ///< only that no bytes mean the end: other streams may keep the limits of messages
    tcp,    ///< a short read has emptied the receive queue, unless the edge told of more than data
    local,  ///< the same, unless control data was cut off: such a read ends at the message that carried it
};

/// What is asked of the operating system, as plain data, and its answer.
///
/// Who may touch its fields: whoever builds the request, until it is started; then the loop's thread
/// (solo) or the holder of the registration's lock (shared), until it is answered; then whoever delivers it.
struct request : task {
    request(function f, request_kind k, direction d) noexcept : task(f, message::start), kind(k), way(d) {}

    request_kind kind;
    direction way;
    request_state state = request_state::created;
    bool cancelled = false;     // before it was started: it is answered with operation_aborted as soon as it is
    bool wanted_now = false;    // whoever starts it can deliver it at once: to be tried before it waits
    std::uint8_t progress = 0;  // the driver's own, while it has the request
    stream_kind stream = stream_kind::none;  // of transfers: here because there is room
    union {
        registration* handle = nullptr;  // of all kinds but wait_until; null: answered before it was started
        timer_group* group;              // of wait_until; null: a deadline's, of no timer object
    };
    small_error ec;

    void answer() noexcept;
    void answer(const error_code& error) noexcept {
        ec = error;
        answer();
    }
};

struct transfer_request : request {
    transfer_request(function f, request_kind k, direction d) noexcept : request(f, k, d) {}

    native_buffer* buffers = nullptr;  // in the operation's own memory
    std::size_t count = 0;
    std::size_t asked = 0;  // bytes in all the buffers
    std::size_t bytes = 0;  // the answer: how many were moved
    int flags = 0;
};

struct receive_request : transfer_request {
    explicit receive_request(function f) noexcept : transfer_request(f, request_kind::receive, direction::read) {}
};

struct send_request : transfer_request {
    explicit send_request(function f) noexcept : transfer_request(f, request_kind::send, direction::write) {}
};

inline bool moves_lent_memory(request_kind k) noexcept {
    return k == request_kind::receive || k == request_kind::send || k == request_kind::send_zc;
}

inline void request::answer() noexcept {
    state = request_state::answered;
    if (checks_lent_memory && moves_lent_memory(kind)) {
        auto& q = static_cast<transfer_request&>(*this);
        for (std::size_t i = 0; i != q.count; ++i)
            a_buffer_must_live_until_the_handler_is_called(data_of(q.buffers[i]), size_of(q.buffers[i]));
    }
}

/// A send that is answered when the system needs its bytes no more.
struct send_zc_request : send_request {
    explicit send_zc_request(function f) noexcept : send_request(f) { kind = request_kind::send_zc; }

    int slot = -1;  // of registered memory; below zero: it is in none

    // io_uring's.
    bool is_copied = false;  // the kernel does not do without
    unsigned owed = 0;       // how often it will still say that it needs the bytes no more
    send_zc_request* owed_next = nullptr;
    send_zc_request** owed_before = nullptr;
};

/// A receive that has no memory until there is something to receive.
struct receive_block_request : request {
    explicit receive_block_request(function f) noexcept : request(f, request_kind::receive_block, direction::read) {}

    union {
        block* received = nullptr;      // answered without an error: whoever has the request owns it
        receive_block_request* behind;  // of those that wait for a block; under the pool's lock, as is the next
    };
    receive_block_request** before = nullptr;  // the link to this; null: it does not wait for a block
};

struct accept_request : request {
    explicit accept_request(function f) noexcept : request(f, request_kind::accept, direction::read) {}

    native_handle accepted = no_handle;
    native_address* peer = nullptr;  // null if nobody wants to know
    native_address_size peer_size = 0;
    bool report_aborted = false;  // ECONNABORTED is the user's to see
};

struct connect_request : request {
    explicit connect_request(function f) noexcept : request(f, request_kind::connect, direction::write) {}

    native_address_storage peer;
    native_address_size peer_size = 0;
    bool under_way = false;  // connect() has been called
};

struct wait_request : request {
    wait_request(function f, direction d) noexcept : request(f, request_kind::wait_ready, d) {}
};

/// A message to a loop on another thread: cancel the request that owns this. It lies in that request's operation, which
/// is not freed before the loop has taken the message back.
struct cancel_message : task {
    explicit cancel_message(request& r) noexcept : task(nullptr, message::cancel), target(r) {}

    request& target;
    std::atomic<bool> queued{false};  // set by whoever pushes it, cleared by the loop when it takes it
};

/// A message to a loop on another thread that is not about one request. The loop runs it as it arrives.
struct service_message : task {
    explicit service_message(function f) noexcept : task(f, message::serve) {}
};

}  // namespace rill::engine
