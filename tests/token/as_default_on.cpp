// SPDX-License-Identifier: BSL-1.0
#include <rill/token/as_default_on.hpp>

#include <support/catch.hpp>

#include <rill/context/io_context.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/token/as_single.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/redirect_error.hpp>

#include <type_traits>

using rill::error_code;
using rill::steady_timer;
using rill::ip::tcp;

namespace {

using tuple_awaitable = rill::as_tuple_t<rill::use_awaitable_t<>>;

template <class Token, class Object>
using default_on = typename Token::template as_default_on_t<Object>;

template <class Token, class Object>
constexpr bool is_default_on =
    std::is_same_v<rill::default_completion_token_t<typename default_on<Token, Object>::executor_type>, Token>;

template <class Token>
constexpr bool is_default_everywhere = is_default_on<Token, steady_timer>&& is_default_on<Token, tcp::socket>&&
    is_default_on<Token, tcp::acceptor>&& is_default_on<Token, rill::basic_socket<tcp>>;

void rethrow(std::exception_ptr e) {
    if (e)
        std::rethrow_exception(e);
}

}  // namespace

TEST_CASE("each token that can be made of nothing can be the default one of each I/O object",
          "[token][as_default_on]") {
    STATIC_REQUIRE(is_default_everywhere<rill::use_awaitable_t<>>);
    STATIC_REQUIRE(is_default_everywhere<rill::deferred_t>);
    STATIC_REQUIRE(is_default_everywhere<rill::detached_t>);
    STATIC_REQUIRE(is_default_everywhere<tuple_awaitable>);
    STATIC_REQUIRE(is_default_everywhere<rill::as_single_t<rill::use_awaitable_t<>>>);
    STATIC_REQUIRE(is_default_everywhere<rill::as_tuple_t<rill::deferred_t>>);
    STATIC_REQUIRE(std::is_same_v<rill::default_completion_token_t<steady_timer::executor_type>, rill::deferred_t>);
}

TEST_CASE("an object keeps its state when it is given a default token", "[token][as_default_on]") {
    rill::io_context ctx;
    steady_timer timer(ctx, std::chrono::milliseconds(1));
    const auto expiry = timer.expiry();
    auto converted = rill::use_awaitable.as_default_on(std::move(timer));
    STATIC_REQUIRE(std::is_same_v<decltype(converted), default_on<rill::use_awaitable_t<>, steady_timer>>);
    CHECK(converted.expiry() == expiry);

    auto acceptor = rill::detached.as_default_on(tcp::acceptor(ctx, tcp::v4()));
    CHECK(acceptor.is_open());
    auto socket = tuple_awaitable::as_default_on(tcp::socket(ctx, tcp::v4()));
    CHECK(socket.is_open());
}

TEST_CASE("an executor with a default token is the executor that it was", "[token][as_default_on]") {
    rill::io_context ctx;
    const default_on<rill::detached_t, steady_timer> timer(ctx);
    const rill::any_io_executor ex = timer.get_executor();
    CHECK(ex == rill::any_io_executor(ctx.get_executor()));
    CHECK(ex.target_type() == typeid(rill::io_context::executor_type));
    CHECK(&rill::query(timer.get_executor(), rill::execution::context) == &ctx);

    using plain = rill::basic_waitable_timer<std::chrono::steady_clock, rill::wait_traits<std::chrono::steady_clock>,
                                             rill::io_context::executor_type>;
    default_on<rill::detached_t, plain> on_context(ctx);
    CHECK(on_context.get_executor() == ctx.get_executor());
    on_context.async_wait();
    CHECK(ctx.run() == 1);
}

TEST_CASE("a coroutine awaits operations with the default token of their objects", "[token][as_default_on]") {
    rill::io_context ctx;
    int steps = 0;
    const auto waits = [&steps]() -> rill::awaitable<void> {
        auto ex = co_await rill::this_coro::executor;
        default_on<rill::use_awaitable_t<>, steady_timer> throwing(ex);
        co_await throwing.async_wait();
        ++steps;

        default_on<tuple_awaitable, steady_timer> telling(ex);
        auto [ec] = co_await telling.async_wait();
        CHECK(!ec);
        ++steps;

        // Partial adapters go around the default token.
        error_code redirected = rill::error::eof;
        default_on<rill::as_tuple_t<rill::deferred_t>, steady_timer> later(ex);
        auto nothing = co_await later.async_wait(rill::redirect_error(redirected));
        STATIC_REQUIRE(std::is_same_v<decltype(nothing), std::tuple<>>);
        CHECK(!redirected);
        ++steps;
    };
    rill::co_spawn(ctx, waits, rethrow);
    ctx.run();
    CHECK(steps == 3);
}

TEST_CASE("accepted sockets have the default token of their acceptor", "[token][as_default_on]") {
    rill::io_context ctx;
    bool accepted = false;
    const auto session = [&accepted]() -> rill::awaitable<void> {
        auto ex = co_await rill::this_coro::executor;
        default_on<tuple_awaitable, tcp::acceptor> acceptor(ex, {rill::ip::address_v4::loopback(), 0});
        default_on<rill::use_awaitable_t<>, tcp::socket> client(ex);
        co_await client.async_connect(acceptor.local_endpoint());
        auto [ec, server] = co_await acceptor.async_accept();
        STATIC_REQUIRE(std::is_same_v<decltype(server), default_on<tuple_awaitable, tcp::socket>>);
        client.close();
        char byte;
        auto [end, n] = co_await server.async_read_some(rill::buffer(&byte, 1));
        CHECK(end == rill::error::eof);
        CHECK(n == 0);
        accepted = !ec;
    };
    rill::co_spawn(ctx, session, rethrow);
    ctx.run();
    CHECK(accepted);
}
