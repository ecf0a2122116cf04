// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/compose/stream_concepts.hpp>
#include <rill/compose/transfer.hpp>
#include <rill/token/deferred.hpp>

#include <cstddef>
#include <utility>

namespace rill {

/// Fills all of @p buffers, blocking, or as much as @p condition wants. Returns how many bytes were read, also if an
/// error occurred.
///
/// Errors    eof                 the peer sent fewer bytes
///           or what read_some() reports; @p ec is the last one
template <sync_read_stream Stream, mutable_buffer_sequence Buffers, completion_condition Condition>
std::size_t read(Stream& stream, const Buffers& buffers, Condition condition, error_code& ec) {
    return engine::transfer_all_of<engine::reading>(stream, buffers, condition, ec);
}
template <sync_read_stream Stream, mutable_buffer_sequence Buffers>
std::size_t read(Stream& stream, const Buffers& buffers, error_code& ec) {
    return read(stream, buffers, transfer_all(), ec);
}

/// The same.
///
/// Throws    system_error where the others report; how many bytes were read is then not known
template <sync_read_stream Stream, mutable_buffer_sequence Buffers, completion_condition Condition>
std::size_t read(Stream& stream, const Buffers& buffers, Condition condition) {
    error_code ec;
    const std::size_t bytes = read(stream, buffers, std::move(condition), ec);
    throw_if(ec, "read");
    return bytes;
}
template <sync_read_stream Stream, mutable_buffer_sequence Buffers>
std::size_t read(Stream& stream, const Buffers& buffers) {
    return read(stream, buffers, transfer_all());
}

/// Fills all of @p buffers, or as much as @p condition wants: completes when that is done or an error occurs.
///
/// Data      @p stream and the memory are borrowed until completion, the sequence is copied; nothing else is read from
///           the stream meanwhile
/// Result    void(error_code, std::size_t bytes): how many were read, also with an error
/// Errors    eof                 the peer sent fewer bytes
///           operation_aborted   cancelled, or the stream was closed
///           or what async_read_some() reports
/// Cancels   terminal, partial: at once, with the bytes read so far; the next read goes on behind them
/// Threads   the handler is never called from inside this function
/// Throws    std::bad_alloc; what the condition throws
template <async_read_stream Stream, mutable_buffer_sequence Buffers, completion_condition Condition,
          class Token = default_completion_token_t<typename Stream::executor_type>>
auto async_read(Stream& stream, const Buffers& buffers, Condition condition,
                Token&& token = default_completion_token_t<typename Stream::executor_type>()) {
    return async_initiate<Token, void(error_code, std::size_t)>(
        engine::initiate_transfer<engine::reading, Stream>{&stream}, token, engine::sequence_argument(buffers),
        std::move(condition));
}

/// async_read() with transfer_all().
template <async_read_stream Stream, mutable_buffer_sequence Buffers,
          class Token = default_completion_token_t<typename Stream::executor_type>>
    requires(!completion_condition<std::decay_t<Token>>)
auto async_read(Stream& stream, const Buffers& buffers,
                Token&& token = default_completion_token_t<typename Stream::executor_type>()) {
    return async_read(stream, buffers, transfer_all(), std::forward<Token>(token));
}

// Not into what cannot be read into: the arguments of the template say so.
template <async_read_stream Stream, class NotBuffers, class Mistake = engine::not_readable_into<NotBuffers>,
          class... Rest>
    requires(!mutable_buffer_sequence<NotBuffers>)
void async_read(Stream&, const NotBuffers&, Rest&&...) = delete;

}  // namespace rill
