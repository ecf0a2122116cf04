// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/compose/stream_concepts.hpp>
#include <rill/compose/transfer.hpp>
#include <rill/token/deferred.hpp>

#include <cstddef>
#include <utility>

namespace rill {

/// Writes all of @p buffers, blocking, or as much as @p condition wants. Returns how many bytes were written, also if
/// an error occurred.
///
/// Errors    what write_some() reports; @p ec is the last one
template <sync_write_stream Stream, const_buffer_sequence Buffers, completion_condition Condition>
std::size_t write(Stream& stream, const Buffers& buffers, Condition condition, error_code& ec) {
    return engine::transfer_all_of<engine::writing>(stream, buffers, condition, ec);
}
template <sync_write_stream Stream, const_buffer_sequence Buffers>
std::size_t write(Stream& stream, const Buffers& buffers, error_code& ec) {
    return write(stream, buffers, transfer_all(), ec);
}

/// The same.
///
/// Throws    system_error where the others report; how many bytes were written is then not known
template <sync_write_stream Stream, const_buffer_sequence Buffers, completion_condition Condition>
std::size_t write(Stream& stream, const Buffers& buffers, Condition condition) {
    error_code ec;
    const std::size_t bytes = write(stream, buffers, std::move(condition), ec);
    throw_if(ec, "write");
    return bytes;
}
template <sync_write_stream Stream, const_buffer_sequence Buffers>
std::size_t write(Stream& stream, const Buffers& buffers) {
    return write(stream, buffers, transfer_all());
}

/// Writes all of @p buffers, or as much as @p condition wants: completes when that is done or an error occurs.
///
/// Data      @p stream and the memory are borrowed until completion, the sequence is copied; nothing else is written to
///           the stream meanwhile
/// Result    void(error_code, std::size_t bytes): how many were written, also with an error
/// Errors    operation_aborted   cancelled, or the stream was closed
///           or what async_write_some() reports
/// Cancels   terminal, partial: at once, with the bytes written so far
/// Threads   the handler is never called from inside this function
/// Throws    std::bad_alloc; what the condition throws
template <async_write_stream Stream, const_buffer_sequence Buffers, completion_condition Condition,
          class Token = default_completion_token_t<typename Stream::executor_type>>
auto async_write(Stream& stream, const Buffers& buffers, Condition condition,
                 Token&& token = default_completion_token_t<typename Stream::executor_type>()) {
    return async_initiate<Token, void(error_code, std::size_t)>(
        engine::initiate_transfer<engine::writing, Stream>{&stream}, token, engine::sequence_argument(buffers),
        std::move(condition));
}

/// async_write() with transfer_all().
template <async_write_stream Stream, const_buffer_sequence Buffers,
          class Token = default_completion_token_t<typename Stream::executor_type>>
    requires(!completion_condition<std::decay_t<Token>>)
auto async_write(Stream& stream, const Buffers& buffers,
                 Token&& token = default_completion_token_t<typename Stream::executor_type>()) {
    return async_write(stream, buffers, transfer_all(), std::forward<Token>(token));
}

// Not of what is no sequence of buffers: the arguments of the template say so.
template <async_write_stream Stream, class NotBuffers,
          class Mistake = engine::const_buffer_sequence_needed__pass_buffer_of_it, class... Rest>
    requires(!const_buffer_sequence<NotBuffers>)
void async_write(Stream&, const NotBuffers&, Rest&&...) = delete;

}  // namespace rill
