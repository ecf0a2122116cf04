// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/native_buffers.hpp>
#include <rill/core/registered_buffer.hpp>
#include <rill/engine/request/request.hpp>
#include <rill/io/received_buffer.hpp>
#include <rill/io/socket_handle.hpp>

#include RILL_SYSTEM(socket_constants.hpp)

#include <cstring>
#include <tuple>
#include <type_traits>

// Requests together with the memory that they point to, and with what they tell their handler.

namespace rill::engine {

/// A transfer of at most Most buffers.
template <class Request, std::size_t Most>
struct transfer : Request {
    template <class Sequence>
    RILL_INLINE transfer(task::function f, socket_handle& s, const Sequence& sequence, int message_flags,
                         stream_kind carrier) noexcept
        : Request(f) {
        const native_extent extent = fill_native_buffers(memory, sequence);
        this->buffers = memory;
        this->count = extent.count;
        this->asked = extent.total;
        this->flags = message_flags;
        if (std::is_same_v<Request, receive_request> && (message_flags & socket_constant::message_out_of_band))
            this->way = direction::exceptional;
        this->stream = carrier;
        if constexpr (std::is_same_v<Request, send_zc_request>)
            this->slot = registered_slot(sequence);
        s.prepare(*this);
        if (this->asked == 0 && carrier != stream_kind::none && this->state == request_state::created)
            this->answer();  // nothing to move: no reason to wait
    }

    RILL_INLINE std::tuple<error_code, std::size_t> result() noexcept { return {error_code(this->ec), this->bytes}; }

    native_buffer memory[Most];
};

/// A receive without a buffer. It owns what was received until somebody takes it.
struct receive_into_block : receive_block_request {
    receive_into_block(task::function f, socket_handle& s, stream_kind carrier) noexcept : receive_block_request(f) {
        stream = carrier;
        if (s.get_loop().blocks())
            s.prepare(*this);
        else
            answer(error::no_memory);
    }
    ~receive_into_block() {
        if (received)
            free_block(*received);
    }

    std::tuple<error_code, received_buffer> result() noexcept {
        return {ec, received_buffer(std::exchange(received, nullptr))};
    }
};

struct connect_to : connect_request {
    connect_to(task::function f, socket_handle& s, const void* address, std::size_t size,
               const error_code& already) noexcept
        : connect_request(f) {
        std::memcpy(&peer, address, size);
        peer_size = static_cast<native_address_size>(size);
        if (already)
            answer(already);
        else
            s.prepare(*this);
    }

    std::tuple<error_code> result() noexcept { return {ec}; }
};

struct wait_for : wait_request {
    wait_for(task::function f, socket_handle& s, direction d) noexcept : wait_request(f, d) { s.prepare(*this); }

    std::tuple<error_code> result() noexcept { return {ec}; }
};

}  // namespace rill::engine
