// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/buffer.hpp>
#include <rill/core/storable_sequence.hpp>
#include <rill/windows/basic_overlapped_handle.hpp>

namespace rill::windows {

/// A handle that carries a sequence of bytes each way, such as an end of a named pipe, opened with FILE_FLAG_OVERLAPPED.
///
/// Bytes of reads, and of writes, move in the order in which the operations were started. For whole messages use
/// async_read() and async_write(), one at a time each way.
template <class Executor = any_io_executor>
class basic_stream_handle : public basic_overlapped_handle<Executor> {
    using base = basic_overlapped_handle<Executor>;

public:
    using typename base::executor_type;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_stream_handle<OtherExecutor>;
    };

    using base::base;
    basic_stream_handle(basic_stream_handle&&) noexcept = default;
    basic_stream_handle& operator=(basic_stream_handle&&) noexcept = default;
    template <std::convertible_to<Executor> E>
        requires(!std::is_same_v<E, Executor>)
    basic_stream_handle(basic_stream_handle<E>&& other) : base(std::move(other)) {}

    /// Writes some of @p buffers, blocking until the system has taken at least one byte. Returns how many it took.
    template <const_buffer_sequence Buffers>
    std::size_t write_some(const Buffers& buffers) {
        return this->transfer("write_some", &engine::system::write_file, 0, buffers);
    }
    template <const_buffer_sequence Buffers>
    std::size_t write_some(const Buffers& buffers, error_code& ec) {
        return engine::transfer_now(this->handle_, &engine::system::write_file, 0, buffers, ec);
    }

    /// Reads some bytes into @p buffers, blocking until there is one.
    template <mutable_buffer_sequence Buffers>
    std::size_t read_some(const Buffers& buffers) {
        return this->transfer("read_some", &engine::system::read_file, 0, buffers);
    }
    template <mutable_buffer_sequence Buffers>
    std::size_t read_some(const Buffers& buffers, error_code& ec) {
        return engine::transfer_now(this->handle_, &engine::system::read_file, 0, buffers, ec);
    }

    /// Writes some of @p buffers: of the first that is not empty.
    ///
    /// Data      a sequence of buffers, borrowed until completion
    /// Result    void(error_code, std::size_t bytes); an empty sequence: (no error, 0)
    /// Errors    operation_aborted  cancelled, or the handle was closed. What was moved before nobody can tell
    ///           bad_descriptor     the handle is not open
    ///           broken_pipe        the other end of the pipe is closed
    ///           or the system's own code, as it is
    /// Cancels   terminal, partial, total
    /// Threads   the handler is never called from inside this function
    /// Source    WriteFile()
    template <const_buffer_sequence Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_write_some(const Buffers& buffers, Token&& token = default_completion_token_t<executor_type>()) {
        return this->async_transfer(&engine::system::write_file, 0, buffers, token);
    }

    /// Reads some bytes into @p buffers, into the first that is not empty: completes once there is at least one.
    ///
    /// Data      a sequence of buffers, borrowed until completion
    /// Result    void(error_code, std::size_t bytes); an empty sequence: (no error, 0)
    /// Errors    broken_pipe        the other end of the pipe is closed, and all it wrote has been read
    ///           eof                the end of a file
    ///           message_size       a pipe's message is longer than that: the next read takes its rest
    ///           operation_aborted  cancelled, or the handle was closed; bytes == 0
    ///           bad_descriptor     the handle is not open
    ///           or the system's own code, as it is
    /// Cancels   terminal, partial, total: each only before the first byte is taken
    /// Threads   the handler is never called from inside this function
    /// Source    ReadFile()
    template <mutable_buffer_sequence Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_read_some(const Buffers& buffers, Token&& token = default_completion_token_t<executor_type>()) {
        return this->async_transfer(&engine::system::read_file, 0, buffers, token);
    }
};

}  // namespace rill::windows
