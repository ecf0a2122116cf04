// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/request/request.hpp>
#include <rill/io/socket_handle.hpp>

#include RILL_SYSTEM(descriptor.hpp)

#include <tuple>
#include <utility>

namespace rill::engine {

/// An accept that owns the accepted handle until somebody takes it.
template <class Protocol>
struct owning_accept : accept_request {
    using endpoint_type = typename Protocol::endpoint;

    owning_accept(task::function f, socket_handle& acceptor, const Protocol& p, endpoint_type* e) noexcept
        : accept_request(f), protocol(p), endpoint(e) {
        if (endpoint) {
            peer = endpoint->data();
            peer_size = static_cast<native_address_size>(endpoint->capacity());
        }
        report_aborted = acceptor.report_aborted();
        acceptor.prepare(*this);
    }
    ~owning_accept() {
        if (accepted != no_handle)
            system::close(accepted);
    }

    template <class Socket>
    void hand_over(Socket& socket) {
        if (ec)
            return;
        if (socket.is_open()) {
            this->answer(error::already_open);
            return;
        }
        if (endpoint)
            resize_written(*endpoint, peer_size);
        socket.adopt(protocol, std::exchange(accepted, no_handle));
    }

    RILL_NO_UNIQUE_ADDRESS Protocol protocol;
    endpoint_type* endpoint;
};

/// Into the user's socket.
template <class Protocol, class Socket>
struct accept_into : owning_accept<Protocol> {
    accept_into(task::function f, socket_handle& acceptor, const Protocol& p, Socket& s,
                typename Protocol::endpoint* e) noexcept
        : owning_accept<Protocol>(f, acceptor, p, e), socket(s) {
        if (s.is_open() && this->state == request_state::created)
            this->answer(error::already_open);
    }

    std::tuple<error_code> result() {
        this->hand_over(socket);
        return {this->ec};
    }

    Socket& socket;
};

/// Into a socket that is made for it.
template <class Protocol, class Socket>
struct accept_new : owning_accept<Protocol> {
    using executor_type = typename Socket::executor_type;

    accept_new(task::function f, socket_handle& acceptor, const Protocol& p, const executor_type& e,
               typename Protocol::endpoint* at)
        : owning_accept<Protocol>(f, acceptor, p, at), socket(e) {}

    std::tuple<error_code, Socket> result() {
        this->hand_over(socket);
        return {this->ec, std::move(socket)};
    }

    Socket socket;
};

}  // namespace rill::engine
