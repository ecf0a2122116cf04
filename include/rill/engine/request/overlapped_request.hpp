// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/request/request.hpp>

#include RILL_SYSTEM(overlapped_calls.hpp)

#include <cstddef>

namespace rill::engine {

/// A call that takes an OVERLAPPED, on a file or a pipe.
struct overlapped_request : request {
    overlapped_request(function f, system::overlapped_call c) noexcept
        : request(f, request_kind::overlapped, direction::read), call(c) {}

    /// Answers with what came of the call: @p number as portable_error() has it.
    void finish(int number, std::size_t moved) noexcept {
        bytes = moved;
        if (number == 0)
            answer();
        else
            answer(system::error_of_overlapped(number));
    }

    system::overlapped_call call;
    system::overlapped_transfer about;
    std::size_t bytes = 0;  // the answer: how many were moved
};

struct object_wait_request : request {
    explicit object_wait_request(function f) noexcept : request(f, request_kind::wait_object, direction::read) {}
};

}  // namespace rill::engine
