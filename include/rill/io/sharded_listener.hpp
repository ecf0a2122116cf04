// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/loop_of.hpp>
#include <rill/context/sharded_context.hpp>
#include <rill/io/accept_requests.hpp>
#include <rill/io/basic_socket_acceptor.hpp>
#include <rill/token/adapter.hpp>

#include RILL_SYSTEM(mutex.hpp)
#include RILL_SYSTEM(socket_constants.hpp)

#include <concepts>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace rill::engine {

/// A handler without its immediate executor, so that it is never delivered from inside of an initiating function.
template <class Handler>
class posted_handler : public adapter<Handler> {
public:
    template <class H>
        requires(!std::same_as<std::decay_t<H>, posted_handler>)
    explicit posted_handler(H&& handler) : adapter<Handler>(std::in_place, std::forward<H>(handler)) {}

    template <class... Args>
    void operator()(Args&&... args) {
        std::move(*this).get()(std::forward<Args>(args)...);
    }
};

}  // namespace rill::engine

namespace rill {

template <class Handler, class Candidate>
struct associator<associated_immediate_executor, engine::posted_handler<Handler>, Candidate> {};

/// How the connections of a sharded_listener come to the shards.
enum class listener_sharing {
    best,        ///< reuse_port, or deal_out where the system refuses that
    reuse_port,  ///< each shard listens; the system chooses, by a hash of the connection's addresses
    deal_out,    ///< one listens; connections go to the shards that wait for one, in the order in which they came
};

/// Accepts connections on all shards of a sharded_context. Each shard has a loop of its own that accepts, and serves what
/// it gets.
///
/// With reuse_port another program of the same user may listen on the same endpoint, if it sets the option too.
///
/// Data     closing or destroying the listener ends its operations with operation_aborted; the address can be bound
///          again at once. It cannot be moved
/// Threads  every function from any thread
template <class Protocol>
class sharded_listener {
public:
    using protocol_type = Protocol;
    using endpoint_type = typename Protocol::endpoint;
    using socket_type = typename Protocol::socket;

    /// Listens on @p endpoint; with port 0 the shards share the one that the system chooses. Up to @p backlog connections
    /// wait to be accepted, on each shard that listens.
    /// Throws  system_error: what the system says; with listener_sharing::reuse_port, also when it refuses that
    sharded_listener(sharded_context& context, const endpoint_type& endpoint,
                     listener_sharing sharing = listener_sharing::best,
                     int backlog = socket_base::max_listen_connections);

    sharded_context& context() const noexcept { return context_; }

    /// What it came to: reuse_port or deal_out.
    listener_sharing sharing() const noexcept { return sharing_; }

    /// What all shards are bound to, the port included.
    const endpoint_type& local_endpoint() const noexcept { return endpoint_; }

    /// Accepts a connection for shard @p shard: completes there, with a new socket on that shard, when there is one.
    ///
    /// Data     @p peer_endpoint, where it is asked for, must live until completion
    /// Result   void(error_code, socket_type); closed if there is an error
    /// Errors   operation_aborted   cancelled, or the listener is closed
    ///          no_descriptors      the process has none left; the connection waits for the next accept
    ///          or the system's own code, as it is
    /// Cancels  terminal, partial, total
    /// Source   POSIX.1-2024 accept()
    template <class Token = default_completion_token_t<typename socket_type::executor_type>>
    auto async_accept(std::size_t shard,
                      Token&& token = default_completion_token_t<typename socket_type::executor_type>()) {
        return async_initiate<Token, void(error_code, socket_type)>(initiate_accept{this, shard}, token,
                                                                    static_cast<endpoint_type*>(nullptr));
    }
    template <class Token = default_completion_token_t<typename socket_type::executor_type>>
    auto async_accept(std::size_t shard, endpoint_type& peer_endpoint,
                      Token&& token = default_completion_token_t<typename socket_type::executor_type>()) {
        return async_initiate<Token, void(error_code, socket_type)>(initiate_accept{this, shard}, token,
                                                                    &peer_endpoint);
    }

    /// Ends the operations of all shards with operation_aborted.
    void cancel() noexcept;

    /// Ends the operations of all shards with operation_aborted, and those to come; stops listening. Connections that
    /// have not been accepted are reset.
    void close() noexcept;

private:
    using acceptor = basic_socket_acceptor<Protocol, sharded_context::executor_type>;

    /// What listens: one for each shard, or one for all.
    struct listening {
        explicit listening(engine::loop& l) noexcept : handle(l) {}

        engine::mutex mutex;
        engine::socket_handle handle;  // mutex
    };

    struct accept_for_shard;
    struct initiate_accept;

    std::vector<acceptor> bind_all(const endpoint_type& endpoint);

    sharded_context& context_;
    listener_sharing sharing_;
    endpoint_type endpoint_;
    std::vector<std::unique_ptr<listening>> listening_;
};

// Implementation

template <class Protocol>
sharded_listener<Protocol>::sharded_listener(sharded_context& context, const endpoint_type& endpoint,
                                             listener_sharing sharing, int backlog)
    : context_(context), sharing_(sharing) {
    // All are bound before the first listens: if one cannot be, no connection is lost.
    std::vector<acceptor> acceptors = bind_all(endpoint);
    for (acceptor& a : acceptors)
        a.listen(backlog);
    for (acceptor& a : acceptors) {
        listening_.push_back(std::make_unique<listening>(engine::loop_of(a.get_executor().context())));
        listening_.back()->handle.adopt(a.release());
    }
}

// Sets sharing_ and endpoint_.
template <class Protocol>
auto sharded_listener<Protocol>::bind_all(const endpoint_type& endpoint) -> std::vector<acceptor> {
    const bool may_deal_out = sharing_ != listener_sharing::reuse_port;
    bool shares_port = sharing_ != listener_sharing::deal_out;
    std::vector<acceptor> acceptors;
    endpoint_ = endpoint;
    for (std::size_t i = 0; i == 0 || (shares_port && i < context_.size()); ++i) {
        acceptor a(context_.get_executor(i), endpoint.protocol());
        if (engine::socket_constant::listeners_need_reuse_address)
            a.set_option(socket_base::reuse_address(true));
        error_code refused;
        if (shares_port && !engine::socket_constant::reuse_port_shares_connections)
            refused = error::operation_not_supported;
        else if (shares_port)
            a.set_option(socket_base::reuse_port(true), refused);
        if (i == 0) {
            a.bind(endpoint_);
            endpoint_ = a.local_endpoint();
        } else if (!refused) {
            // The endpoint is good, as the first has shown: what is refused, with whatever code, is to share it.
            a.bind(endpoint_, refused);
        }
        if (refused) {
            if (!may_deal_out)
                throw_error(refused, "sharded_listener: the shards cannot share the endpoint");
            shares_port = false;
        }
        if (i == 0 || shares_port)
            acceptors.push_back(std::move(a));
    }
    if (!shares_port)
        acceptors.erase(acceptors.begin() + 1, acceptors.end());
    sharing_ = shares_port ? listener_sharing::reuse_port : listener_sharing::deal_out;
    return acceptors;
}

template <class Protocol>
void sharded_listener<Protocol>::cancel() noexcept {
    for (auto& l : listening_) {
        engine::scoped_lock lock(l->mutex);
        l->handle.cancel();
    }
}

template <class Protocol>
void sharded_listener<Protocol>::close() noexcept {
    for (auto& l : listening_) {
        engine::scoped_lock lock(l->mutex);
        l->handle.close();
    }
}

/// An accept that is told of a closed listener what one that was pending then is told.
template <class Protocol>
struct sharded_listener<Protocol>::accept_for_shard : engine::accept_new<Protocol, socket_type> {
    accept_for_shard(engine::task::function f, engine::socket_handle& from, const Protocol& p,
                     const sharded_context::executor_type& ex, endpoint_type* at)
        : engine::accept_new<Protocol, socket_type>(f, from, p, ex, at) {
        if (!from.is_open())
            this->answer(error::operation_aborted);
    }
};

template <class Protocol>
struct sharded_listener<Protocol>::initiate_accept {
    using executor_type = sharded_context::executor_type;
    sharded_listener* listener;
    std::size_t shard;

    executor_type get_executor() const noexcept { return listener->context_.get_executor(shard); }

    template <class Handler>
    void operator()(Handler&& handler, endpoint_type* peer) const {
        auto& l = *listener->listening_[listener->listening_.size() == 1 ? 0 : shard];
        const executor_type ex = get_executor();
        engine::scoped_lock lock(l.mutex);  // so the handler must not be called in here
        engine::start_operation<accept_for_shard>(
            l.handle.get_loop(), ex, engine::posted_handler<std::decay_t<Handler>>(std::forward<Handler>(handler)),
            l.handle, listener->endpoint_.protocol(), ex, peer);
    }
};

}  // namespace rill
