// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/buffer.hpp>
#include <rill/core/storable_sequence.hpp>
#include <rill/execution/executor_or_context.hpp>
#include <rill/io/basic_socket.hpp>
#include <rill/io/received_buffer.hpp>

namespace rill {

/// A socket that carries a sequence of bytes each way.
///
/// Bytes of sends, and of receives, move in the order in which the operations were started. For whole messages use
/// async_read() and async_write(), one at a time each way.
template <class Protocol, class Executor>
class basic_stream_socket : public basic_socket<Protocol, Executor> {
    using base = basic_socket<Protocol, Executor>;

public:
    using typename base::endpoint_type;
    using typename base::executor_type;
    using typename base::native_handle_type;
    using typename base::protocol_type;
    using message_flags = socket_base::message_flags;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_stream_socket<Protocol, OtherExecutor>;
    };

    /// A closed socket.
    explicit basic_stream_socket(const Executor& ex) : base(ex) {}
    /// An open one.
    basic_stream_socket(const Executor& ex, const Protocol& protocol) : base(ex, protocol) {}
    /// An open one, bound to @p endpoint.
    basic_stream_socket(const Executor& ex, const endpoint_type& endpoint) : base(ex, endpoint) {}
    /// A native socket.
    basic_stream_socket(const Executor& ex, const Protocol& protocol, native_handle_type native)
        : base(ex, protocol, native) {}

    // The same on a context's executor.
    template <std::derived_from<execution_context> Context>
    explicit basic_stream_socket(Context& ctx) : base(ctx.get_executor()) {}
    template <std::derived_from<execution_context> Context>
    basic_stream_socket(Context& ctx, const Protocol& protocol) : base(ctx.get_executor(), protocol) {}
    template <std::derived_from<execution_context> Context>
    basic_stream_socket(Context& ctx, const endpoint_type& endpoint) : base(ctx.get_executor(), endpoint) {}
    template <std::derived_from<execution_context> Context>
    basic_stream_socket(Context& ctx, const Protocol& protocol, native_handle_type native)
        : base(ctx.get_executor(), protocol, native) {}

    // Not on what is neither an executor nor a context: the arguments of the template say so.
    template <class... Args, class Mistake = engine::executor_needed__pass_one_or_an_execution_context>
        requires engine::without_executor<Executor, Args...>
    explicit basic_stream_socket(const Args&...) = delete;

    basic_stream_socket(basic_stream_socket&&) noexcept = default;
    basic_stream_socket& operator=(basic_stream_socket&&) noexcept = default;
    template <std::convertible_to<Protocol> P, std::convertible_to<Executor> E>
    basic_stream_socket(basic_stream_socket<P, E>&& other) : base(std::move(other)) {}
    template <class P, class E>
    requires std::convertible_to<P, Protocol> && std::convertible_to<E, Executor> basic_stream_socket&
    operator=(basic_stream_socket<P, E>&& other) {
        return *this = basic_stream_socket(std::move(other));
    }

    /// Sends some of @p buffers, blocking until the kernel has taken at least one byte. Returns how many it took.
    template <const_buffer_sequence Buffers>
    std::size_t send(const Buffers& buffers, message_flags flags = 0) {
        return transferring("send", [&](auto& ec) { return send(buffers, flags, ec); });
    }
    template <const_buffer_sequence Buffers>
    std::size_t send(const Buffers& buffers, message_flags flags, error_code& ec) {
        engine::native_buffers<engine::native_buffer_count<Buffers>> native(buffers);
        return this->handle_.send(native.data(), native.count(), flags, ec);
    }

    /// Receives some bytes into @p buffers, blocking until there is one. eof: the peer sends no more.
    template <mutable_buffer_sequence Buffers>
    std::size_t receive(const Buffers& buffers, message_flags flags = 0) {
        return transferring("receive", [&](auto& ec) { return receive(buffers, flags, ec); });
    }
    template <mutable_buffer_sequence Buffers>
    std::size_t receive(const Buffers& buffers, message_flags flags, error_code& ec) {
        engine::native_buffers<engine::native_buffer_count<Buffers>> native(buffers);
        return this->handle_.receive(native.data(), native.count(), flags, true, ec);
    }

    /// Receives some bytes into memory that is taken for them, blocking until there is one. eof: the peer sends no more.
    received_buffer receive_buffer() {
        error_code ec;
        received_buffer received = receive_buffer(ec);
        throw_if(ec, "receive_buffer");
        return received;
    }
    received_buffer receive_buffer(error_code& ec) { return received_buffer(this->handle_.receive_block(ec)); }

    template <const_buffer_sequence Buffers>
    std::size_t write_some(const Buffers& buffers) {
        return transferring("write_some", [&](auto& ec) { return send(buffers, 0, ec); });
    }
    template <const_buffer_sequence Buffers>
    std::size_t write_some(const Buffers& buffers, error_code& ec) {
        return send(buffers, 0, ec);
    }

    template <mutable_buffer_sequence Buffers>
    std::size_t read_some(const Buffers& buffers) {
        return transferring("read_some", [&](auto& ec) { return receive(buffers, 0, ec); });
    }
    template <mutable_buffer_sequence Buffers>
    std::size_t read_some(const Buffers& buffers, error_code& ec) {
        return receive(buffers, 0, ec);
    }

    /// Writes some of @p buffers: completes once the kernel has taken at least one byte.
    ///
    /// Data      a sequence of buffers of n1, n2, ... bytes, borrowed until completion
    /// Result    void(error_code, std::size_t bytes): 0 < bytes <= n1 + n2 + ...; often fewer than asked, use
    ///           async_write() for all. An empty sequence: (no error, 0)
    /// Errors    operation_aborted   cancelled, or the socket was closed; bytes == 0
    ///           bad_descriptor      the socket is not open
    ///           broken_pipe         the peer reads no more; SIGPIPE is not raised
    ///           or the system's own code, as it is
    /// Cancels   terminal, partial, total: each only before the first byte is taken
    /// Threads   the handler is never called from inside this function
    /// Source    POSIX.1-2024 sendmsg()
    template <const_buffer_sequence Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_write_some(const Buffers& buffers, Token&& token = default_completion_token_t<executor_type>()) {
        return async_initiate<Token, void(error_code, std::size_t)>(
            initiate_send{this}, token, engine::sequence_argument(buffers), message_flags(0));
    }

    /// Reads some bytes into @p buffers: completes once there is at least one.
    ///
    /// Data      a sequence of buffers of n1, n2, ... bytes, borrowed until completion
    /// Result    void(error_code, std::size_t bytes): 0 < bytes <= n1 + n2 + ...; an empty sequence: (no error, 0)
    /// Errors    eof                 the peer sends no more; every later read says so again
    ///           operation_aborted   cancelled, or the socket was closed; bytes == 0
    ///           bad_descriptor      the socket is not open
    ///           or the system's own code, as it is
    /// Cancels   terminal, partial, total: each only before the first byte is taken
    /// Threads   the handler is never called from inside this function
    /// Source    POSIX.1-2024 recvmsg()
    template <mutable_buffer_sequence Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_read_some(const Buffers& buffers, Token&& token = default_completion_token_t<executor_type>()) {
        return async_initiate<Token, void(error_code, std::size_t)>(
            initiate_receive{this}, token, engine::sequence_argument(buffers), message_flags(0));
    }

    // Not of, or into, what is no such sequence: the arguments of these templates say so.
    template <class NotBuffers, class Mistake = engine::const_buffer_sequence_needed__pass_buffer_of_it, class... Token>
        requires(!const_buffer_sequence<NotBuffers>)
    void async_write_some(const NotBuffers&, Token&&...) = delete;
    template <class NotBuffers, class Mistake = engine::not_readable_into<NotBuffers>, class... Token>
        requires(!mutable_buffer_sequence<NotBuffers>)
    void async_read_some(const NotBuffers&, Token&&...) = delete;

    /// async_write_some() with flags.
    template <const_buffer_sequence Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_send(const Buffers& buffers, Token&& token = default_completion_token_t<executor_type>()) {
        return async_send(buffers, message_flags(0), std::forward<Token>(token));
    }
    template <const_buffer_sequence Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_send(const Buffers& buffers, message_flags flags,
                    Token&& token = default_completion_token_t<executor_type>()) {
        return async_initiate<Token, void(error_code, std::size_t)>(initiate_send{this}, token,
                                                                    engine::sequence_argument(buffers), flags);
    }

    /// async_read_some() with flags.
    template <mutable_buffer_sequence Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_receive(const Buffers& buffers, Token&& token = default_completion_token_t<executor_type>()) {
        return async_receive(buffers, message_flags(0), std::forward<Token>(token));
    }
    template <mutable_buffer_sequence Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_receive(const Buffers& buffers, message_flags flags,
                       Token&& token = default_completion_token_t<executor_type>()) {
        return async_initiate<Token, void(error_code, std::size_t)>(initiate_receive{this}, token,
                                                                    engine::sequence_argument(buffers), flags);
    }

    /// Sends some of @p buffers without copying them, where that can be done: completes once the system needs them no
    /// more, which may be when the peer has acknowledged the bytes.
    ///
    /// Data      as async_write_some(); the bytes do not change until completion, nor go away before it
    /// Result    as async_write_some()
    /// Errors    as async_write_some()
    /// Cancels   terminal, partial, total: each only before the first byte is taken; what is taken completes when the
    ///           bytes are needed no more, also after close()
    /// Threads   the handler is never called from inside this function
    /// Source    io_uring_enter(2), IORING_OP_SEND_ZC, since Linux 6.1; elsewhere they are copied
    template <const_buffer_sequence Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_send_zc(const Buffers& buffers, Token&& token = default_completion_token_t<executor_type>()) {
        return async_send_zc(buffers, message_flags(0), std::forward<Token>(token));
    }
    template <const_buffer_sequence Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_send_zc(const Buffers& buffers, message_flags flags,
                       Token&& token = default_completion_token_t<executor_type>()) {
        return async_initiate<Token, void(error_code, std::size_t)>(initiate_send_zc{this}, token,
                                                                    engine::sequence_argument(buffers), flags);
    }

    /// Receives some bytes into memory of the context's, which is taken when they are there: completes once there is at
    /// least one. A connection that waits for them has no buffer.
    ///
    /// Data      at most receive_buffers.size bytes. There are receive_buffers.count such buffers in a context: while
    ///           all are in use, what has arrived waits until one comes back
    /// Result    void(error_code, received_buffer): which gives the memory back when it is destroyed
    /// Errors    as async_read_some(), and no_memory: there is none for the buffers
    /// Cancels   terminal, partial, total: each only before the first byte is taken
    /// Threads   the handler is never called from inside this function
    /// Source    POSIX.1-2024 recv(); io_uring_register(2), IORING_REGISTER_PBUF_RING
    template <class Token = default_completion_token_t<executor_type>>
    auto async_receive_buffer(Token&& token = default_completion_token_t<executor_type>()) {
        return async_initiate<Token, void(error_code, received_buffer)>(initiate_receive_buffer{this}, token);
    }

    /// Lets the system receive before it is asked to, from the next asynchronous receive on: one request of the kernel's then
    /// serves many of the program's, in the order in which they are started. What has been received waits here: in the
    /// context's buffers, as of async_receive_buffer(), while less than half of them are in use, else in memory of its own.
    ///
    /// This is for as long as the socket is open. Synchronous receives, waits to read, and release() answer operation_not_supported from
    /// here on; asynchronous ones with other flags than message_peek and message_out_of_band may; available() does not
    /// count what waits here. cancel() keeps it.
    ///
    /// Errors  bad_descriptor, or what the system says of registering the socket
    /// Source  io_uring_enter(2), IORING_RECV_MULTISHOT, since Linux 6.0; elsewhere all is received when it is asked for
    void receive_ahead() {
        base::throwing("receive_ahead", [&](auto& ec) { receive_ahead(ec); });
    }
    void receive_ahead(error_code& ec) { ec = this->handle_.take_ahead(engine::request_kind::receive); }

private:
    template <class Call>
    static std::size_t transferring(const char* what, Call call) {
        error_code ec;
        std::size_t n = call(ec);
        throw_if(ec, what);
        return n;
    }

    template <class Request>
    struct initiate_transfer {
        using executor_type = Executor;
        basic_stream_socket* socket;

        const executor_type& get_executor() const noexcept { return socket->executor_; }
        template <class Handler, class Buffers>
        void operator()(Handler&& handler, const Buffers& buffers, message_flags flags) const {
            using ask = engine::transfer<Request, engine::native_buffer_count<Buffers>>;
            engine::start_operation<ask>(socket->handle_.get_loop(), socket->executor_, std::forward<Handler>(handler),
                                         socket->handle_, buffers, flags, socket->stream_kind());
        }
    };
    struct initiate_receive_buffer {
        using executor_type = Executor;
        basic_stream_socket* socket;

        const executor_type& get_executor() const noexcept { return socket->executor_; }
        template <class Handler>
        void operator()(Handler&& handler) const {
            engine::start_operation<engine::receive_into_block>(socket->handle_.get_loop(), socket->executor_,
                                                                std::forward<Handler>(handler), socket->handle_,
                                                                socket->stream_kind());
        }
    };
    using initiate_send = initiate_transfer<engine::send_request>;
    using initiate_receive = initiate_transfer<engine::receive_request>;
    using initiate_send_zc = initiate_transfer<engine::send_zc_request>;
};

}  // namespace rill
