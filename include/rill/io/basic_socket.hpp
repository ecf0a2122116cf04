// SPDX-License-Identifier: BSL-1.0
#pragma once

// First: its error message for a wrong handler is preceded by the way from the user's file to it.
#include <rill/token/async_result.hpp>

#include <rill/context/loop_of.hpp>
#include <rill/execution/any_io_executor.hpp>
#include <rill/io/forward.hpp>
#include <rill/io/socket_base.hpp>
#include <rill/io/socket_handle.hpp>
#include <rill/io/socket_requests.hpp>
#include <rill/operation/operation.hpp>
#include <rill/token/deferred.hpp>

#include RILL_SYSTEM(socket_calls.hpp)
#include RILL_SYSTEM(socket_constants.hpp)

#include <concepts>
#include <type_traits>
#include <utility>

namespace rill {

/// What all sockets of a protocol can do. Members without an error_code& throw system_error where the others report.
///
/// Data     closing or destroying the socket ends its operations with operation_aborted; moving it does not disturb them
/// Threads  one socket by one thread at a time; operations on different sockets from any
template <class Protocol, class Executor>
class basic_socket : public socket_base {
public:
    using executor_type = Executor;
    using protocol_type = Protocol;
    using endpoint_type = typename Protocol::endpoint;
    using native_handle_type = engine::native_handle;
    using lowest_layer_type = basic_socket;

    /// The same socket type for another executor.
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_socket<Protocol, OtherExecutor>;
    };

    const executor_type& get_executor() const noexcept { return executor_; }
    lowest_layer_type& lowest_layer() noexcept { return *this; }
    const lowest_layer_type& lowest_layer() const noexcept { return *this; }

    /// Throws  already_open; what socket() reports
    void open(const Protocol& protocol = Protocol()) {
        throwing("open", [&](auto& ec) { open(protocol, ec); });
    }
    void open(const Protocol& protocol, error_code& ec) {
        ec = handle_.open(protocol.family(), protocol.type(), protocol.protocol());
        if (!ec)
            protocol_ = protocol;
    }

    /// Takes over a native socket; it becomes non-blocking with the first asynchronous operation.
    void assign(const Protocol& protocol, native_handle_type native) {
        throwing("assign", [&](auto& ec) { assign(protocol, native, ec); });
    }
    void assign(const Protocol& protocol, native_handle_type native, error_code& ec) {
        ec = handle_.assign(native);
        if (!ec)
            protocol_ = protocol;
    }

    /// Takes a native socket that the library has made, non-blocking, into a closed socket.
    void adopt(const Protocol& protocol, native_handle_type native) noexcept {
        protocol_ = protocol;
        handle_.adopt(native);
    }

    bool is_open() const noexcept { return handle_.is_open(); }

    /// Ends the operations with operation_aborted. The socket is closed even if an error is reported.
    void close() {
        throwing("close", [&](auto& ec) { close(ec); });
    }
    void close(error_code& ec) { ec = handle_.close(); }

    /// Ends the operations with operation_aborted and gives the native socket to the caller.
    /// Errors  operation_not_supported: the context has the concurrency hint 1 and another thread is inside its run()
    native_handle_type release() {
        native_handle_type native{};
        throwing("release", [&](auto& ec) { native = release(ec); });
        return native;
    }
    native_handle_type release(error_code& ec) {
        ec = error_code();
        return handle_.release(ec);
    }

    native_handle_type native_handle() noexcept { return handle_.get(); }

    /// Ends the operations with operation_aborted.
    void cancel() {
        throwing("cancel", [&](auto& ec) { cancel(ec); });
    }
    void cancel(error_code& ec) { ec = handle_.cancel(); }

    /// Whether the out-of-band mark is next.
    bool at_mark() const {
        bool result = false;
        throwing("at_mark", [&](auto& ec) { result = at_mark(ec); });
        return result;
    }
    bool at_mark(error_code& ec) const {
        return if_open(ec, [&] { return engine::system::at_mark(handle_.get(), ec); });
    }

    /// How many bytes can be read without blocking.
    std::size_t available() const {
        std::size_t result = 0;
        throwing("available", [&](auto& ec) { result = available(ec); });
        return result;
    }
    std::size_t available(error_code& ec) const {
        bytes_readable command;
        return if_open(ec,
                       [&] { return engine::system::io_control(handle_.get(), command.name(), *command.data(), ec); })
                   ? command.get()
                   : 0;
    }

    void bind(const endpoint_type& endpoint) {
        throwing("bind", [&](auto& ec) { bind(endpoint, ec); });
    }
    void bind(const endpoint_type& endpoint, error_code& ec) {
        if_open(ec, [&] { return engine::system::bind(handle_.get(), endpoint.data(), endpoint.size(), ec); });
    }

    /// Opens the socket first if it is closed.
    void connect(const endpoint_type& peer) {
        throwing("connect", [&](auto& ec) { connect(peer, ec); });
    }
    void connect(const endpoint_type& peer, error_code& ec) {
        ec = error_code();
        if (!is_open())
            open(peer.protocol(), ec);
        if (!ec)
            ec = handle_.connect(peer.data(), peer.size());
    }

    /// Connects: completes when the connection is there or has failed. Opens the socket first if it is closed.
    ///
    /// Result   void(error_code)
    /// Errors   operation_aborted, connection_refused, timed_out, ...: the system's own
    /// Cancels  terminal, partial, total; the attempt may go on in the system: close the socket before using it again
    /// Source   POSIX.1-2024 connect()
    template <class Token = default_completion_token_t<executor_type>>
    auto async_connect(const endpoint_type& peer, Token&& token = default_completion_token_t<executor_type>()) {
        error_code ec;
        if (!is_open())
            open(peer.protocol(), ec);
        return async_initiate<Token, void(error_code)>(initiate_connect{this}, token, peer, ec);
    }

    template <class Option>
    void set_option(const Option& option) {
        throwing("set_option", [&](auto& ec) { set_option(option, ec); });
    }
    template <class Option>
    void set_option(const Option& option, error_code& ec) {
        if_open(ec, [&] {
            if (is_enable_connection_aborted(option)) {
                handle_.report_aborted(*static_cast<const int*>(static_cast<const void*>(option.data(protocol_))) != 0);
                return true;
            }
            return engine::system::set_option(handle_.get(), option.level(protocol_), option.name(protocol_),
                                              option.data(protocol_), option.size(protocol_), ec);
        });
    }

    template <class Option>
    void get_option(Option& option) const {
        throwing("get_option", [&](auto& ec) { get_option(option, ec); });
    }
    template <class Option>
    void get_option(Option& option, error_code& ec) const {
        std::size_t size = option.size(protocol_);
        bool done = if_open(ec, [&] {
            if (is_enable_connection_aborted(option)) {
                *static_cast<int*>(static_cast<void*>(option.data(protocol_))) = handle_.report_aborted();
                return true;
            }
            return engine::system::get_option(handle_.get(), option.level(protocol_), option.name(protocol_),
                                              option.data(protocol_), size, ec);
        });
        if (done)
            option.resize(protocol_, size);
    }

    template <class Command>
    void io_control(Command& command) {
        throwing("io_control", [&](auto& ec) { io_control(command, ec); });
    }
    template <class Command>
    void io_control(Command& command, error_code& ec) {
        if_open(ec, [&] { return engine::system::io_control(handle_.get(), command.name(), *command.data(), ec); });
    }

    /// Whether synchronous operations report would_block instead of waiting.
    bool non_blocking() const noexcept { return handle_.non_blocking(); }
    void non_blocking(bool on) {
        throwing("non_blocking", [&](auto& ec) { non_blocking(on, ec); });
    }
    void non_blocking(bool on, error_code& ec) { ec = handle_.non_blocking(on); }

    /// Whether the native socket is non-blocking. The library's own are from the start, also where non_blocking() is
    /// not.
    bool native_non_blocking() const noexcept { return handle_.native_non_blocking(); }
    void native_non_blocking(bool on) {
        throwing("native_non_blocking", [&](auto& ec) { native_non_blocking(on, ec); });
    }
    void native_non_blocking(bool on, error_code& ec) { ec = handle_.native_non_blocking(on); }

    endpoint_type local_endpoint() const {
        endpoint_type result;
        throwing("local_endpoint", [&](auto& ec) { result = local_endpoint(ec); });
        return result;
    }
    endpoint_type local_endpoint(error_code& ec) const { return endpoint_from(&engine::system::local_address, ec); }

    endpoint_type remote_endpoint() const {
        endpoint_type result;
        throwing("remote_endpoint", [&](auto& ec) { result = remote_endpoint(ec); });
        return result;
    }
    endpoint_type remote_endpoint(error_code& ec) const { return endpoint_from(&engine::system::peer_address, ec); }

    void shutdown(shutdown_type what) {
        throwing("shutdown", [&](auto& ec) { shutdown(what, ec); });
    }
    void shutdown(shutdown_type what, error_code& ec) {
        if_open(ec, [&] { return engine::system::shut_down(handle_.get(), static_cast<int>(what), ec); });
    }

    /// Blocks until the socket is ready in that way; would_block: it is non_blocking() and not ready.
    void wait(wait_type what) {
        throwing("wait", [&](auto& ec) { wait(what, ec); });
    }
    void wait(wait_type what, error_code& ec) { ec = handle_.wait(direction_of(what)); }

    /// Completes when the socket is ready in that way, without moving data.
    ///
    /// Result   void(error_code)
    /// Cancels  terminal, partial, total
    /// Source   POSIX.1-2024 poll()
    template <class Token = default_completion_token_t<executor_type>>
    auto async_wait(wait_type what, Token&& token = default_completion_token_t<executor_type>()) {
        return async_initiate<Token, void(error_code)>(initiate_wait{this}, token, what);
    }

protected:
    explicit basic_socket(const Executor& ex)
        : executor_(ex), handle_(engine::loop_of(context_of(ex))), protocol_(any_protocol()) {}
    basic_socket(const Executor& ex, const Protocol& protocol) : basic_socket(ex) { open(protocol); }
    basic_socket(const Executor& ex, const endpoint_type& endpoint) : basic_socket(ex, endpoint.protocol()) {
        bind(endpoint);
    }
    basic_socket(const Executor& ex, const Protocol& protocol, native_handle_type native) : basic_socket(ex) {
        assign(protocol, native);
    }
    basic_socket(basic_socket&&) noexcept = default;
    basic_socket& operator=(basic_socket&&) noexcept = default;
    template <std::convertible_to<Protocol> P, std::convertible_to<Executor> E>
    basic_socket(basic_socket<P, E>&& other)
        : executor_(other.executor_), handle_(std::move(other.handle_)), protocol_(other.protocol_) {}
    ~basic_socket() = default;

    static engine::direction direction_of(wait_type what) noexcept {
        switch (what) {
        case wait_read: return engine::direction::read;
        case wait_write: return engine::direction::write;
        case wait_error: break;
        }
        return engine::direction::exceptional;
    }

    /// What a transfer may conclude from its size.
    engine::stream_kind stream_kind() const noexcept {
        namespace constant = engine::socket_constant;
        if (protocol_.type() != constant::type_stream)
            return engine::stream_kind::none;
        if (protocol_.protocol() == constant::protocol_tcp)
            return engine::stream_kind::tcp;  // known at compile time for ip::tcp
        int family = protocol_.family();
        if (family == constant::family_local)
            return engine::stream_kind::local;
        bool is_ip = family == constant::family_ipv4 || family == constant::family_ipv6;
        return is_ip && protocol_.protocol() == 0 ? engine::stream_kind::tcp : engine::stream_kind::other;
    }

    template <class Call>
    static void throwing(const char* what, Call call) {
        error_code ec;
        call(ec);
        throw_if(ec, what);
    }

    /// call(), which reports to @p ec, unless the socket is closed.
    template <class Call>
    bool if_open(error_code& ec, Call call) const {
        ec = error_code();
        if (is_open())
            return call();
        ec = error::bad_descriptor;
        return false;
    }

    RILL_NO_UNIQUE_ADDRESS Executor executor_;
    engine::socket_handle handle_;
    RILL_NO_UNIQUE_ADDRESS Protocol protocol_;

private:
    template <class P, class E>
    friend class basic_socket;
    template <class P, class E>
    friend class basic_socket_acceptor;

    static execution_context& context_of(const Executor& ex) { return query(ex, execution::context); }

    static Protocol any_protocol() noexcept {
        if constexpr (std::default_initializable<Protocol>)
            return Protocol();
        else
            return endpoint_type().protocol();
    }

    template <class Option>
    bool is_enable_connection_aborted(const Option& option) const {
        return option.level(protocol_) == engine::socket_constant::custom_level &&
               option.name(protocol_) == engine::socket_constant::enable_connection_aborted_name;
    }

    template <class Call>
    endpoint_type endpoint_from(Call call, error_code& ec) const {
        endpoint_type result;
        std::size_t size = result.capacity();
        if (!if_open(ec, [&] { return call(handle_.get(), result.data(), size, ec); }))
            return endpoint_type();
        engine::resize_written(result, size);
        return result;
    }

    struct initiate_connect {
        using executor_type = Executor;
        basic_socket* socket;

        const executor_type& get_executor() const noexcept { return socket->executor_; }
        template <class Handler>
        void operator()(Handler&& handler, const endpoint_type& peer, const error_code& already) const {
            engine::start_operation<engine::connect_to>(socket->handle_.get_loop(), socket->executor_,
                                                        std::forward<Handler>(handler), socket->handle_, peer.data(),
                                                        peer.size(), already);
        }
    };

    struct initiate_wait {
        using executor_type = Executor;
        basic_socket* socket;

        const executor_type& get_executor() const noexcept { return socket->executor_; }
        template <class Handler>
        void operator()(Handler&& handler, wait_type what) const {
            engine::start_operation<engine::wait_for>(socket->handle_.get_loop(), socket->executor_,
                                                      std::forward<Handler>(handler), socket->handle_,
                                                      direction_of(what));
        }
    };
};

}  // namespace rill
