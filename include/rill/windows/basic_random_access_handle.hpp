// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/buffer.hpp>
#include <rill/core/storable_sequence.hpp>
#include <rill/windows/basic_overlapped_handle.hpp>

#include <cstdint>

namespace rill::windows {

/// A handle whose bytes have places, such as that of a file, opened with FILE_FLAG_OVERLAPPED. Operations may be done in
/// any order.
template <class Executor = any_io_executor>
class basic_random_access_handle : public basic_overlapped_handle<Executor> {
    using base = basic_overlapped_handle<Executor>;

public:
    using typename base::executor_type;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_random_access_handle<OtherExecutor>;
    };

    using base::base;
    basic_random_access_handle(basic_random_access_handle&&) noexcept = default;
    basic_random_access_handle& operator=(basic_random_access_handle&&) noexcept = default;
    template <std::convertible_to<Executor> E>
        requires(!std::is_same_v<E, Executor>)
    basic_random_access_handle(basic_random_access_handle<E>&& other) : base(std::move(other)) {}

    /// Writes some of @p buffers at @p offset, blocking. Returns how many bytes.
    template <const_buffer_sequence Buffers>
    std::size_t write_some_at(std::uint64_t offset, const Buffers& buffers) {
        return this->transfer("write_some_at", &engine::system::write_file, offset, buffers);
    }
    template <const_buffer_sequence Buffers>
    std::size_t write_some_at(std::uint64_t offset, const Buffers& buffers, error_code& ec) {
        return engine::transfer_now(this->handle_, &engine::system::write_file, offset, buffers, ec);
    }

    /// Reads some bytes at @p offset into @p buffers, blocking. eof: there are none.
    template <mutable_buffer_sequence Buffers>
    std::size_t read_some_at(std::uint64_t offset, const Buffers& buffers) {
        return this->transfer("read_some_at", &engine::system::read_file, offset, buffers);
    }
    template <mutable_buffer_sequence Buffers>
    std::size_t read_some_at(std::uint64_t offset, const Buffers& buffers, error_code& ec) {
        return engine::transfer_now(this->handle_, &engine::system::read_file, offset, buffers, ec);
    }

    /// Writes some of @p buffers, of the first that is not empty, at @p offset.
    ///
    /// Data      @p offset in bytes from the beginning; a sequence of buffers, borrowed until completion
    /// Result    void(error_code, std::size_t bytes); an empty sequence: (no error, 0)
    /// Errors    operation_aborted  cancelled, or the handle was closed. What was written before nobody can tell
    ///           bad_descriptor     the handle is not open
    ///           or the system's own code, as it is
    /// Cancels   terminal, partial, total
    /// Threads   the handler is never called from inside this function
    /// Source    WriteFile()
    template <const_buffer_sequence Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_write_some_at(std::uint64_t offset, const Buffers& buffers,
                             Token&& token = default_completion_token_t<executor_type>()) {
        return this->async_transfer(&engine::system::write_file, offset, buffers, token);
    }

    /// Reads some bytes at @p offset into @p buffers, into the first that is not empty.
    ///
    /// Data      @p offset in bytes from the beginning; a sequence of buffers, borrowed until completion
    /// Result    void(error_code, std::size_t bytes); an empty sequence: (no error, 0)
    /// Errors    eof                there are no bytes at @p offset
    ///           operation_aborted  cancelled, or the handle was closed; bytes == 0
    ///           bad_descriptor     the handle is not open
    ///           or the system's own code, as it is
    /// Cancels   terminal, partial, total
    /// Threads   the handler is never called from inside this function
    /// Source    ReadFile()
    template <mutable_buffer_sequence Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_read_some_at(std::uint64_t offset, const Buffers& buffers,
                            Token&& token = default_completion_token_t<executor_type>()) {
        return this->async_transfer(&engine::system::read_file, offset, buffers, token);
    }
};

}  // namespace rill::windows
