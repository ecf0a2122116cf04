// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/execution/executor_or_context.hpp>
#include <rill/io/accept_requests.hpp>
#include <rill/io/basic_socket.hpp>
#include <rill/io/basic_stream_socket.hpp>

namespace rill {

/// Accepts connections.
///
/// Closing it, or destroying it, ends its operations with operation_aborted; the address can be bound again at once.
template <class Protocol, class Executor>
class basic_socket_acceptor : private basic_socket<Protocol, Executor> {
    using base = basic_socket<Protocol, Executor>;

public:
    using typename base::endpoint_type;
    using typename base::executor_type;
    using typename base::native_handle_type;
    using typename base::protocol_type;
    using typename socket_base::wait_type;

    using broadcast = socket_base::broadcast;
    using bytes_readable = socket_base::bytes_readable;
    using debug = socket_base::debug;
    using do_not_route = socket_base::do_not_route;
    using enable_connection_aborted = socket_base::enable_connection_aborted;
    using keep_alive = socket_base::keep_alive;
    using linger = socket_base::linger;
    using out_of_band_inline = socket_base::out_of_band_inline;
    using receive_buffer_size = socket_base::receive_buffer_size;
    using receive_low_watermark = socket_base::receive_low_watermark;
    using reuse_address = socket_base::reuse_address;
    using reuse_port = socket_base::reuse_port;
    using send_buffer_size = socket_base::send_buffer_size;
    using send_low_watermark = socket_base::send_low_watermark;
    using socket_base::max_listen_connections;
    using socket_base::wait_error;
    using socket_base::wait_read;
    using socket_base::wait_write;

    using base::assign;
    using base::async_wait;
    using base::bind;
    using base::cancel;
    using base::close;
    using base::get_executor;
    using base::get_option;
    using base::io_control;
    using base::is_open;
    using base::local_endpoint;
    using base::native_handle;
    using base::native_non_blocking;
    using base::non_blocking;
    using base::open;
    using base::release;
    using base::set_option;
    using base::wait;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_socket_acceptor<Protocol, OtherExecutor>;
    };

    /// A closed acceptor.
    explicit basic_socket_acceptor(const Executor& ex) : base(ex) {}
    /// An open one; bind() and listen() are next.
    basic_socket_acceptor(const Executor& ex, const Protocol& protocol) : base(ex, protocol) {}
    /// One that listens on @p endpoint.
    basic_socket_acceptor(const Executor& ex, const endpoint_type& endpoint, bool reuse_addr = true)
        : base(ex, endpoint.protocol()) {
        if (reuse_addr && engine::socket_constant::listeners_need_reuse_address)
            set_option(reuse_address(true));
        bind(endpoint);
        listen();
    }
    /// A native socket that listens already.
    basic_socket_acceptor(const Executor& ex, const Protocol& protocol, native_handle_type native)
        : base(ex, protocol, native) {}

    // The same on a context's executor.
    template <std::derived_from<execution_context> Context>
    explicit basic_socket_acceptor(Context& ctx) : basic_socket_acceptor(Executor(ctx.get_executor())) {}
    template <std::derived_from<execution_context> Context>
    basic_socket_acceptor(Context& ctx, const Protocol& protocol)
        : basic_socket_acceptor(Executor(ctx.get_executor()), protocol) {}
    template <std::derived_from<execution_context> Context>
    basic_socket_acceptor(Context& ctx, const endpoint_type& endpoint, bool reuse_addr = true)
        : basic_socket_acceptor(Executor(ctx.get_executor()), endpoint, reuse_addr) {}
    template <std::derived_from<execution_context> Context>
    basic_socket_acceptor(Context& ctx, const Protocol& protocol, native_handle_type native)
        : basic_socket_acceptor(Executor(ctx.get_executor()), protocol, native) {}

    // Not on what is neither an executor nor a context: the arguments of the template say so.
    template <class... Args, class Mistake = engine::executor_needed__pass_one_or_an_execution_context>
        requires engine::without_executor<Executor, Args...>
    explicit basic_socket_acceptor(const Args&...) = delete;

    basic_socket_acceptor(basic_socket_acceptor&&) noexcept = default;
    basic_socket_acceptor& operator=(basic_socket_acceptor&&) noexcept = default;
    template <std::convertible_to<Protocol> P, std::convertible_to<Executor> E>
    basic_socket_acceptor(basic_socket_acceptor<P, E>&& other) : base(static_cast<basic_socket<P, E>&&>(other)) {}
    template <class P, class E>
    requires std::convertible_to<P, Protocol> && std::convertible_to<E, Executor> basic_socket_acceptor&
    operator=(basic_socket_acceptor<P, E>&& other) {
        return *this = basic_socket_acceptor(std::move(other));
    }

    /// Lets connections come in; up to @p backlog of them wait to be accepted.
    void listen(int backlog = max_listen_connections) {
        base::throwing("listen", [&](auto& ec) { listen(backlog, ec); });
    }
    void listen(int backlog, error_code& ec) {
        base::if_open(ec, [&] { return engine::system::listen(this->handle_.get(), backlog, ec); });
    }

    // -- accepting, blocking. The forms are: into a socket, or a new one; with the peer's endpoint, or without; for
    // a
    //    new one, on the acceptor's executor, or on another, or on a context's.

    template <class P, class E>
    void accept(basic_socket<P, E>& peer) {
        base::throwing("accept", [&](auto& ec) { accept(peer, ec); });
    }
    template <class P, class E>
    void accept(basic_socket<P, E>& peer, error_code& ec) {
        accept_into(peer, nullptr, ec);
    }
    template <class P, class E>
    void accept(basic_socket<P, E>& peer, endpoint_type& peer_endpoint) {
        base::throwing("accept", [&](auto& ec) { accept(peer, peer_endpoint, ec); });
    }
    template <class P, class E>
    void accept(basic_socket<P, E>& peer, endpoint_type& peer_endpoint, error_code& ec) {
        accept_into(peer, &peer_endpoint, ec);
    }

    auto accept() { return accept_throwing(get_executor(), nullptr); }
    auto accept(error_code& ec) { return accept_new(get_executor(), nullptr, ec); }
    auto accept(endpoint_type& peer_endpoint) { return accept_throwing(get_executor(), &peer_endpoint); }
    auto accept(endpoint_type& peer_endpoint, error_code& ec) { return accept_new(get_executor(), &peer_endpoint, ec); }

    template <execution::executor E>
    auto accept(const E& ex) {
        return accept_throwing(ex, nullptr);
    }
    template <execution::executor E>
    auto accept(const E& ex, error_code& ec) {
        return accept_new(ex, nullptr, ec);
    }
    template <execution::executor E>
    auto accept(const E& ex, endpoint_type& peer_endpoint) {
        return accept_throwing(ex, &peer_endpoint);
    }
    template <execution::executor E>
    auto accept(const E& ex, endpoint_type& peer_endpoint, error_code& ec) {
        return accept_new(ex, &peer_endpoint, ec);
    }

    template <std::derived_from<execution_context> Context>
    auto accept(Context& ctx) {
        return accept(ctx.get_executor());
    }
    template <std::derived_from<execution_context> Context>
    auto accept(Context& ctx, error_code& ec) {
        return accept(ctx.get_executor(), ec);
    }
    template <std::derived_from<execution_context> Context>
    auto accept(Context& ctx, endpoint_type& peer_endpoint) {
        return accept(ctx.get_executor(), peer_endpoint);
    }
    template <std::derived_from<execution_context> Context>
    auto accept(Context& ctx, endpoint_type& peer_endpoint, error_code& ec) {
        return accept(ctx.get_executor(), peer_endpoint, ec);
    }

    // -- accepting, asynchronous, in the same forms

    /// Accepts a connection into @p peer, a closed socket: completes when there is one.
    ///
    /// Data     @p peer, and @p peer_endpoint where it is asked for, must live until completion
    /// Result   void(error_code)
    /// Errors   operation_aborted   cancelled, or the acceptor was closed
    ///          already_open        @p peer is open
    ///          no_descriptors      the process has none left; the connection waits for the next accept
    ///          or the system's own code, as it is. Connections that went away while they waited are passed over,
    ///          unless the option enable_connection_aborted is set
    /// Cancels  terminal, partial, total
    /// Source   POSIX.1-2024 accept()
    template <class P, class E, class Token = default_completion_token_t<executor_type>>
    auto async_accept(basic_socket<P, E>& peer, Token&& token = default_completion_token_t<executor_type>()) {
        return async_initiate<Token, void(error_code)>(initiate_accept_into{this}, token, &peer, no_endpoint());
    }
    template <class P, class E, class Token = default_completion_token_t<executor_type>>
    auto async_accept(basic_socket<P, E>& peer, endpoint_type& peer_endpoint,
                      Token&& token = default_completion_token_t<executor_type>()) {
        return async_initiate<Token, void(error_code)>(initiate_accept_into{this}, token, &peer, &peer_endpoint);
    }

    /// Accepts a connection: completes with a new socket when there is one.
    ///
    /// Result   void(error_code, socket), of the protocol's socket type for the executor; closed if there is an
    /// error
    template <class Token = default_completion_token_t<executor_type>>
        requires(!execution::executor<std::decay_t<Token>> &&
                 !std::derived_from<std::decay_t<Token>, execution_context> &&
                 !std::derived_from<std::decay_t<Token>, socket_base> &&
                 !std::same_as<std::decay_t<Token>, endpoint_type>)
    auto async_accept(Token&& token = default_completion_token_t<executor_type>()) {
        return accept_asynchronously(get_executor(), no_endpoint(), token);
    }
    template <class Token = default_completion_token_t<executor_type>>
    auto async_accept(endpoint_type& peer_endpoint, Token&& token = default_completion_token_t<executor_type>()) {
        return accept_asynchronously(get_executor(), &peer_endpoint, token);
    }
    template <execution::executor E, class Token = default_completion_token_t<executor_type>>
    auto async_accept(const E& ex, Token&& token = default_completion_token_t<executor_type>()) {
        return accept_asynchronously(ex, no_endpoint(), token);
    }
    template <execution::executor E, class Token = default_completion_token_t<executor_type>>
    auto async_accept(const E& ex, endpoint_type& peer_endpoint,
                      Token&& token = default_completion_token_t<executor_type>()) {
        return accept_asynchronously(ex, &peer_endpoint, token);
    }
    template <std::derived_from<execution_context> Context, class Token = default_completion_token_t<executor_type>>
    auto async_accept(Context& ctx, Token&& token = default_completion_token_t<executor_type>()) {
        return accept_asynchronously(ctx.get_executor(), no_endpoint(), token);
    }
    template <std::derived_from<execution_context> Context, class Token = default_completion_token_t<executor_type>>
    auto async_accept(Context& ctx, endpoint_type& peer_endpoint,
                      Token&& token = default_completion_token_t<executor_type>()) {
        return accept_asynchronously(ctx.get_executor(), &peer_endpoint, token);
    }

    /// Lets the system accept connections before it is asked to, from the next async_accept() on: one request of the
    /// kernel's then serves many of the program's. A connection that nobody waits for waits here, and is closed with the
    /// acceptor; when there are many, no more are accepted, once a thread that runs the context has seen them.
    ///
    /// This is for as long as the acceptor is open. accept(), wait() to read, and release() answer operation_not_supported from here on.
    /// cancel() ends it until the next async_accept(), and keeps what waits.
    ///
    /// Errors  bad_descriptor, or what the system says of registering the acceptor
    /// Source  io_uring_enter(2), IORING_ACCEPT_MULTISHOT, from Linux 6.0 on; elsewhere each is accepted when it is asked for
    void accept_ahead() {
        base::throwing("accept_ahead", [&](auto& ec) { accept_ahead(ec); });
    }
    void accept_ahead(error_code& ec) { ec = this->handle_.take_ahead(engine::request_kind::accept); }

private:
    template <class P, class E>
    friend class basic_socket_acceptor;

    template <class E>
    using socket_on = typename Protocol::socket::template rebind_executor<E>::other;

    static endpoint_type* no_endpoint() noexcept { return nullptr; }

    template <class Peer>
    void accept_into(Peer& peer, endpoint_type* peer_endpoint, error_code& ec) {
        if (peer.is_open()) {
            ec = error::already_open;
            return;
        }
        auto size = static_cast<engine::native_address_size>(peer_endpoint ? peer_endpoint->capacity() : 0);
        engine::native_handle accepted =
            this->handle_.accept(peer_endpoint ? peer_endpoint->data() : nullptr, peer_endpoint ? &size : nullptr, ec);
        if (ec)
            return;
        if (peer_endpoint)
            engine::resize_written(*peer_endpoint, size);
        peer.adopt(this->protocol_, accepted);
    }

    template <class E>
    socket_on<E> accept_new(const E& ex, endpoint_type* peer_endpoint, error_code& ec) {
        socket_on<E> peer(ex);
        accept_into(peer, peer_endpoint, ec);
        return peer;
    }
    template <class E>
    socket_on<E> accept_throwing(const E& ex, endpoint_type* peer_endpoint) {
        error_code ec;
        auto peer = accept_new(ex, peer_endpoint, ec);
        throw_if(ec, "accept");
        return peer;
    }

    template <class E, class Token>
    auto accept_asynchronously(const E& ex, endpoint_type* peer_endpoint, Token& token) {
        return async_initiate<Token, void(error_code, socket_on<E>)>(initiate_accept_new{this}, token, ex,
                                                                     peer_endpoint);
    }

    struct initiate_accept_into {
        using executor_type = Executor;
        basic_socket_acceptor* acceptor;

        const executor_type& get_executor() const noexcept { return acceptor->executor_; }
        template <class Handler, class Peer>
        void operator()(Handler&& handler, Peer* peer, endpoint_type* peer_endpoint) const {
            engine::start_operation<engine::accept_into<Protocol, Peer>>(
                acceptor->handle_.get_loop(), acceptor->executor_, std::forward<Handler>(handler), acceptor->handle_,
                acceptor->protocol_, *peer, peer_endpoint);
        }
    };

    struct initiate_accept_new {
        using executor_type = Executor;
        basic_socket_acceptor* acceptor;

        const executor_type& get_executor() const noexcept { return acceptor->executor_; }
        template <class Handler, class E>
        void operator()(Handler&& handler, const E& ex, endpoint_type* peer_endpoint) const {
            engine::start_operation<engine::accept_new<Protocol, socket_on<E>>>(
                acceptor->handle_.get_loop(), acceptor->executor_, std::forward<Handler>(handler), acceptor->handle_,
                acceptor->protocol_, ex, peer_endpoint);
        }
    };
};

}  // namespace rill
