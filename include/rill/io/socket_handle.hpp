// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>
#include <rill/engine/request/request.hpp>
#include <rill/engine/scheduler/loop.hpp>

#include RILL_SYSTEM(native.hpp)

#include <cstddef>
#include <cstdint>
#include <utility>

namespace rill::engine {

/// What a socket object is, whatever its protocol and executor: a handle, its loop, and its registration there, made
/// when the first asynchronous operation is started. It closes the handle when it dies.
class socket_handle {
public:
    explicit socket_handle(loop& l) noexcept : loop_(&l) {}
    RILL_DECL socket_handle(socket_handle&& other) noexcept;
    RILL_DECL socket_handle& operator=(socket_handle&& other) noexcept;
    ~socket_handle() { close(); }

    loop& get_loop() const noexcept { return *loop_; }
    bool is_open() const noexcept { return handle_ != no_handle; }
    native_handle get() const noexcept { return handle_; }

    RILL_COLD RILL_DECL error_code open(int family, int type, int protocol) noexcept;
    RILL_COLD RILL_DECL error_code assign(native_handle handle) noexcept;
    /// Takes a handle that the library has made, non-blocking.
    void adopt(native_handle handle) noexcept {
        RILL_ASSERT(!is_open());
        handle_ = handle;
        system_non_blocking_ = true;
    }

    /// Ends the operations with operation_aborted and closes the handle, which is gone whatever this returns.
    RILL_COLD RILL_DECL error_code close() noexcept;
    /// Ends the operations with operation_aborted and gives the handle away.
    RILL_COLD RILL_DECL native_handle release(error_code& ec) noexcept;
    RILL_COLD RILL_DECL error_code cancel() noexcept;

    /// Names the registration in @p q, or answers it if there cannot be one.
    RILL_INLINE void prepare(request& q) noexcept {
        if (registration_ && system_non_blocking_) [[likely]]
            q.handle = registration_;
        else
            prepare_first(q);
    }

    /// What the user wants of synchronous operations: to report would_block instead of waiting.
    bool non_blocking() const noexcept { return user_non_blocking_; }
    RILL_COLD RILL_DECL error_code non_blocking(bool on) noexcept;
    bool native_non_blocking() const noexcept { return system_non_blocking_; }
    RILL_COLD RILL_DECL error_code native_non_blocking(bool on) noexcept;

    /// From here on the system may accept, or receive, before it is asked to: what it has then comes through requests
    /// alone.
    RILL_COLD RILL_DECL error_code take_ahead(request_kind what) noexcept;

    bool report_aborted() const noexcept { return report_aborted_; }
    void report_aborted(bool on) noexcept { report_aborted_ = on; }

    // Synchronous operations, which wait in poll() where the handle is non-blocking and the user's view of it is not.

    RILL_DECL error_code connect(const void* address, std::size_t size) noexcept;
    RILL_DECL native_handle accept(native_address* peer, native_address_size* size, error_code& ec) noexcept;
    RILL_DECL std::size_t send(native_buffer* buffers, std::size_t count, int flags, error_code& ec) noexcept;
    /// @p stream: 0 bytes mean the end.
    RILL_DECL std::size_t receive(native_buffer* buffers, std::size_t count, int flags, bool stream,
                                  error_code& ec) noexcept;
    /// Of a stream, into a block of its own; null: nothing was received.
    RILL_COLD RILL_DECL block* receive_block(error_code& ec) noexcept;
    RILL_DECL error_code wait(direction way) noexcept;

private:
    RILL_COLD RILL_DECL void prepare_first(request& q) noexcept;
    error_code attach() noexcept;
    error_code may_read() const noexcept;
    bool may_wait(direction way, error_code& ec) noexcept;

    loop* loop_;
    registration* registration_ = nullptr;  // cleared by the loop if it goes first
    native_handle handle_ = no_handle;
    bool user_non_blocking_ = false;
    bool system_non_blocking_ = false;
    bool report_aborted_ = false;
    bool takes_ahead_ = false;
};

/// The system has written an address of @p size bytes to @p endpoint, as far as there was room: Linux may name a byte
/// more than that, for a path that is as long as can be. Source: unix(7), "BUGS"
template <class Endpoint>
void resize_written(Endpoint& endpoint, std::size_t size) {
    endpoint.resize(size < endpoint.capacity() ? size : endpoint.capacity());
}

}  // namespace rill::engine

#include RILL_BODY(socket_handle.ipp)
