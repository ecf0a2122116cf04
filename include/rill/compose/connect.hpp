// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/compose/composed_operation.hpp>
#include <rill/context/loop_of.hpp>
#include <rill/core/error.hpp>
#include <rill/io/basic_socket.hpp>
#include <rill/operation/operation.hpp>
#include <rill/token/async_result.hpp>
#include <rill/token/deferred.hpp>

#include <array>
#include <concepts>
#include <initializer_list>
#include <iterator>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rill {

/// Goes through things that convert to an Endpoint.
template <class T, class Endpoint>
concept endpoint_iterator = std::copyable<T> && requires(T& i) {
    { *i } -> std::convertible_to<Endpoint>;
    { i == i } -> std::convertible_to<bool>;
    ++i;
};

/// A range of things that convert to an Endpoint, such as what a resolver answers.
template <class T, class Endpoint>
concept endpoint_range = requires(T& range) {
    { *std::begin(range) } -> std::convertible_to<Endpoint>;
    { std::begin(range) != std::end(range) } -> std::convertible_to<bool>;
};

/// Whether to try the next endpoint, given the error of the attempt before, if there was one.
template <class T, class Next>
concept connect_condition = requires(T& condition, const error_code& before, Next next) {
    { condition(before, std::forward<Next>(next)) } -> std::same_as<bool>;
};

}  // namespace rill

namespace rill::engine {

struct try_every_endpoint {
    template <class Next>
    bool operator()(const error_code&, const Next&) const noexcept {
        return true;
    }
};

template <class Range>
using reference_of = decltype(*std::begin(std::declval<Range&>()));

/// Attempts to connect, blocking, until one succeeds. Returns where; @p end if none did.
template <class Socket, class Iterator, class End, class Condition>
Iterator connect_to_any(Socket& socket, Iterator next, const End& end, Condition& condition, error_code& ec) {
    ec = error_code();
    for (; next != end; ++next) {
        if (!condition(std::as_const(ec), *next))
            continue;
        error_code ignored;
        socket.close(ignored);
        socket.connect(*next, ec);
        if (!ec)
            return next;
    }
    if (!ec)
        ec = error::not_found;
    return next;
}

/// The endpoints that a caller named by iterators, which they keep alive.
template <class Iterator>
struct iterator_pair {
    Iterator first;
    Iterator last;

    Iterator begin() const { return first; }
    Iterator end() const { return last; }
};
template <class Range>
inline constexpr bool is_iterator_pair = false;
template <class Iterator>
inline constexpr bool is_iterator_pair<iterator_pair<Iterator>> = true;

/// A request that is answered before it is asked.
struct answered_request : request {
    answered_request(task::function f, const error_code& answer_is) noexcept
        : request(f, request_kind::wait_ready, direction::write) {
        answer(answer_is);
    }

    std::tuple<error_code> result() const noexcept { return {ec}; }
};

/// The steps of async_connect(): attempts. If there is no endpoint to try, a step that only tells so.
template <class Socket, class Range, class Condition>
class connect_steps {
    using endpoint = typename Socket::endpoint_type;

public:
    using executor_type = typename Socket::executor_type;

    template <class R>
    connect_steps(Socket& s, R&& range, Condition condition)
        : socket_(s),
          range_(std::forward<R>(range)),
          condition_(std::move(condition)),
          next_(std::begin(range_)),
          end_(std::end(range_)) {}
    connect_steps(const connect_steps&) = delete;
    connect_steps& operator=(const connect_steps&) = delete;

    const executor_type& get_executor() const noexcept { return socket_.get_executor(); }

    template <class Step>
    void start(Step&& s) {
        for (; next_ != end_; ++next_) {
            if (!condition_(std::as_const(ec_), *next_))
                continue;
            const endpoint peer = *next_;
            error_code ignored;
            socket_.close(ignored);
            socket_.open(peer.protocol(), ec_);
            if (!ec_)
                return socket_.async_connect(peer, std::forward<Step>(s));
        }
        if (!ec_)
            ec_ = error::not_found;
        const executor_type& ex = socket_.get_executor();
        start_operation<answered_request>(loop_of(query(ex, execution::context)), ex, std::forward<Step>(s), ec_);
    }

    bool take(const error_code& ec) {
        ec_ = ec;
        if (!ec || next_ == end_)
            return false;
        // Whoever closes the socket, or cancels its operations, means this one and not just one of its attempts.
        if (ec == error::operation_aborted || !socket_.is_open()) {
            stop();
            return false;
        }
        return ++next_ != end_;
    }

    void stop() noexcept { ec_ = error::operation_aborted; }

    auto result() {
        if constexpr (is_iterator_pair<Range>)
            return std::tuple(ec_, ec_ ? end_ : next_);
        else
            return std::tuple(ec_, ec_ ? endpoint() : endpoint(*next_));
    }

private:
    Socket& socket_;
    Range range_;
    RILL_NO_UNIQUE_ADDRESS Condition condition_;
    decltype(std::begin(std::declval<Range&>())) next_;  // of range_, which never moves
    decltype(std::end(std::declval<Range&>())) end_;
    error_code ec_;
};

/// Starts an async_connect() for each kind of argument.
template <class Socket>
struct initiate_connect_any {
    using executor_type = typename Socket::executor_type;
    Socket* socket;

    const executor_type& get_executor() const noexcept { return socket->get_executor(); }
    template <class Handler, class Range, class Condition>
    void operator()(Handler&& handler, Range&& range, Condition&& condition) const {
        using steps = connect_steps<Socket, std::decay_t<Range>, std::decay_t<Condition>>;
        start_composed<steps>(std::forward<Handler>(handler), *socket, std::forward<Range>(range),
                              std::forward<Condition>(condition));
    }
};

}  // namespace rill::engine

namespace rill::engine {

/// A range as an argument of an initiation, of which some tokens keep a decayed copy.
template <class Range>
decltype(auto) range_argument(Range&& range) {
    if constexpr (std::is_array_v<std::remove_reference_t<Range>>)
        return std::to_array(range);
    else
        return std::forward<Range>(range);
}

}  // namespace rill::engine

namespace rill {

/// Connects to the first of @p endpoints that answers, blocking. Before each attempt the socket is closed and opened
/// again. Returns the endpoint that it is connected to, or a default one.
///
/// Data      @p condition, if there is one, says whether an endpoint is tried
/// Errors    not_found           no endpoint was tried
///           or what the last attempt reported
template <class Protocol, class Executor, endpoint_range<typename Protocol::endpoint> Range,
          connect_condition<engine::reference_of<const Range>> Condition>
typename Protocol::endpoint connect(basic_socket<Protocol, Executor>& socket, const Range& endpoints,
                                    Condition condition, error_code& ec) {
    auto found = engine::connect_to_any(socket, std::begin(endpoints), std::end(endpoints), condition, ec);
    return ec ? typename Protocol::endpoint() : typename Protocol::endpoint(*found);
}
template <class Protocol, class Executor, endpoint_range<typename Protocol::endpoint> Range>
typename Protocol::endpoint connect(basic_socket<Protocol, Executor>& socket, const Range& endpoints, error_code& ec) {
    return connect(socket, endpoints, engine::try_every_endpoint(), ec);
}

/// The same.
///
/// Throws    system_error where the others report
template <class Protocol, class Executor, endpoint_range<typename Protocol::endpoint> Range,
          connect_condition<engine::reference_of<const Range>> Condition>
typename Protocol::endpoint connect(basic_socket<Protocol, Executor>& socket, const Range& endpoints,
                                    Condition condition) {
    error_code ec;
    auto peer = connect(socket, endpoints, std::move(condition), ec);
    throw_if(ec, "connect");
    return peer;
}
template <class Protocol, class Executor, endpoint_range<typename Protocol::endpoint> Range>
typename Protocol::endpoint connect(basic_socket<Protocol, Executor>& socket, const Range& endpoints) {
    return connect(socket, endpoints, engine::try_every_endpoint());
}

/// The same for [@p begin, @p end). Returns the iterator of the endpoint, or @p end.
template <class Protocol, class Executor, endpoint_iterator<typename Protocol::endpoint> Iterator,
          connect_condition<std::iter_reference_t<Iterator>> Condition>
Iterator connect(basic_socket<Protocol, Executor>& socket, Iterator begin, Iterator end, Condition condition,
                 error_code& ec) {
    return engine::connect_to_any(socket, std::move(begin), end, condition, ec);
}
template <class Protocol, class Executor, endpoint_iterator<typename Protocol::endpoint> Iterator>
Iterator connect(basic_socket<Protocol, Executor>& socket, Iterator begin, Iterator end, error_code& ec) {
    return connect(socket, std::move(begin), std::move(end), engine::try_every_endpoint(), ec);
}

/// The same.
///
/// Throws    system_error where the others report
template <class Protocol, class Executor, endpoint_iterator<typename Protocol::endpoint> Iterator,
          connect_condition<std::iter_reference_t<Iterator>> Condition>
Iterator connect(basic_socket<Protocol, Executor>& socket, Iterator begin, Iterator end, Condition condition) {
    error_code ec;
    Iterator found = connect(socket, std::move(begin), std::move(end), std::move(condition), ec);
    throw_if(ec, "connect");
    return found;
}
template <class Protocol, class Executor, endpoint_iterator<typename Protocol::endpoint> Iterator>
Iterator connect(basic_socket<Protocol, Executor>& socket, Iterator begin, Iterator end) {
    return connect(socket, std::move(begin), std::move(end), engine::try_every_endpoint());
}

/// Connects to the first of @p endpoints that answers. Before each attempt the socket is closed and opened again.
///
/// Data      @p socket is borrowed until completion; @p endpoints are copied: a view as a view. @p condition says
///           whether an endpoint is tried
/// Result    void(error_code, endpoint): the one that it is connected to, or a default one
/// Errors    not_found           no endpoint was tried
///           operation_aborted   cancelled, or the socket was closed or cancelled
///           or what the last attempt reported
/// Cancels   terminal, partial; the attempt may go on in the system: close the socket before using it again
/// Threads   the handler is never called from inside this function
/// Throws    std::bad_alloc; what copying the range, its iterators and the condition throw
template <class Protocol, class Executor, class Range, class Condition,
          class Token = default_completion_token_t<Executor>>
    requires endpoint_range < std::remove_reference_t<Range>,
typename Protocol::endpoint > &&connect_condition<Condition, engine::reference_of<std::remove_cvref_t<Range>>> auto
                              async_connect(basic_socket<Protocol, Executor>& socket, Range&& endpoints,
                                            Condition condition,
                                            Token&& token = default_completion_token_t<Executor>()) {
    return async_initiate<Token, void(error_code, typename Protocol::endpoint)>(
        engine::initiate_connect_any<basic_socket<Protocol, Executor>>{&socket}, token,
        engine::range_argument(std::forward<Range>(endpoints)), std::move(condition));
}

/// async_connect() that tries every endpoint.
template <class Protocol, class Executor, class Range, class Token = default_completion_token_t<Executor>>
    requires endpoint_range < std::remove_reference_t<Range>,
typename Protocol::endpoint >
    &&(!connect_condition<std::decay_t<Token>, engine::reference_of<std::remove_cvref_t<Range>>>)auto async_connect(
        basic_socket<Protocol, Executor>& socket, Range&& endpoints,
        Token&& token = default_completion_token_t<Executor>()) {
    return async_connect(socket, std::forward<Range>(endpoints), engine::try_every_endpoint(),
                         std::forward<Token>(token));
}

/// Its elements would be gone before the first attempt: use a std::array.
template <class Protocol, class Executor, class Endpoint, class... More>
void async_connect(basic_socket<Protocol, Executor>& socket, std::initializer_list<Endpoint> dies_too_early,
                   More&&...) = delete;

/// The same for [@p begin, @p end), which must stay valid until completion.
///
/// Result    void(error_code, Iterator): that of the endpoint, or @p end
template <class Protocol, class Executor, endpoint_iterator<typename Protocol::endpoint> Iterator, class Condition,
          class Token = default_completion_token_t<Executor>>
    requires connect_condition<Condition, std::iter_reference_t<Iterator>>
auto async_connect(basic_socket<Protocol, Executor>& socket, Iterator begin, Iterator end, Condition condition,
                   Token&& token = default_completion_token_t<Executor>()) {
    return async_initiate<Token, void(error_code, Iterator)>(
        engine::initiate_connect_any<basic_socket<Protocol, Executor>>{&socket}, token,
        engine::iterator_pair<Iterator>{std::move(begin), std::move(end)}, std::move(condition));
}
template <class Protocol, class Executor, endpoint_iterator<typename Protocol::endpoint> Iterator,
          class Token = default_completion_token_t<Executor>>
    requires(!connect_condition<std::decay_t<Token>, std::iter_reference_t<Iterator>>)
auto async_connect(basic_socket<Protocol, Executor>& socket, Iterator begin, Iterator end,
                   Token&& token = default_completion_token_t<Executor>()) {
    return async_connect(socket, std::move(begin), std::move(end), engine::try_every_endpoint(),
                         std::forward<Token>(token));
}

}  // namespace rill
