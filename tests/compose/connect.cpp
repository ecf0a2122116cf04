// SPDX-License-Identifier: BSL-1.0
#include <rill/compose/connect.hpp>

#include <rill/context/io_context.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/token/detached.hpp>
#include <support/capabilities.hpp>
#include <support/catch.hpp>
#include <support/no_more_descriptors.hpp>

#include <array>
#include <iterator>
#include <list>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

using rill::async_connect;
using rill::cancellation_type;
using rill::error_code;
using rill::ip::tcp;

namespace {

using endpoints = std::vector<tcp::endpoint>;

tcp::endpoint loopback(std::uint16_t port = 0) { return {rill::ip::address_v4::loopback(), port}; }

/// Listens, or holds a port at which nobody does.
class port {
public:
    explicit port(rill::io_context& ctx, bool listening = true) : acceptor_(ctx) {
        acceptor_.open(tcp::v4());
        acceptor_.bind(loopback());
        if (listening)
            acceptor_.listen();
    }

    tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

private:
    tcp::acceptor acceptor_;
};

/// Listens, but has more connections waiting than it wants: further ones are not answered.
class full_port {
public:
    explicit full_port(rill::io_context& ctx) : acceptor_(ctx) {
        acceptor_.open(tcp::v4());
        acceptor_.bind(loopback());
        acceptor_.listen(0);
        for (int i = 0; i < 8; ++i) {
            auto& s = waiting_.emplace_back(ctx, tcp::v4());
            s.non_blocking(true);
            error_code ec;
            s.connect(endpoint(), ec);
        }
    }

    tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

private:
    tcp::acceptor acceptor_;
    std::vector<tcp::socket> waiting_;
};

template <class Where>
struct outcome {
    int calls = 0;
    int destructions = 0;
    error_code ec;
    Where where{};
};

template <class Where>
class recorder {
public:
    explicit recorder(outcome<Where>& o) noexcept : outcome_(&o) {}
    recorder(recorder&& other) noexcept : outcome_(std::exchange(other.outcome_, nullptr)) {}
    recorder& operator=(recorder&&) = delete;
    ~recorder() {
        if (outcome_)
            ++outcome_->destructions;
    }

    void operator()(error_code ec, Where where) {
        ++outcome_->calls;
        outcome_->ec = ec;
        outcome_->where = where;
    }

private:
    outcome<Where>* outcome_;
};

template <class Where>
struct cancelled_by : recorder<Where> {
    cancelled_by(rill::cancellation_signal& signal, outcome<Where>& o) noexcept
        : recorder<Where>(o), slot(signal.slot()) {}
    using cancellation_slot_type = rill::cancellation_slot;
    rill::cancellation_slot slot;
    rill::cancellation_slot get_cancellation_slot() const noexcept { return slot; }
};

/// An element of what a resolver answers.
struct entry {
    tcp::endpoint found;
    operator tcp::endpoint() const { return found; }
};

using condition_function = bool (*)(const error_code&, const tcp::endpoint&);
static_assert(rill::endpoint_range<endpoints, tcp::endpoint> && rill::endpoint_range<entry[2], tcp::endpoint>);
static_assert(!rill::endpoint_range<tcp::endpoint, tcp::endpoint> && !rill::endpoint_range<int, tcp::endpoint>);
static_assert(rill::endpoint_iterator<const entry*, tcp::endpoint> && !rill::endpoint_iterator<int*, tcp::endpoint>);
static_assert(rill::connect_condition<condition_function, const entry&>);
static_assert(!rill::connect_condition<recorder<tcp::endpoint>, const tcp::endpoint&>);

}  // namespace

TEST_CASE("connect tries each endpoint until one answers", "[compose][connect]") {
    rill::io_context ctx;
    port closed(ctx, false), open(ctx), unused(ctx);
    tcp::socket socket(ctx);
    const endpoints all = {closed.endpoint(), open.endpoint(), unused.endpoint()};
    error_code ec = rill::error::eof;

    CHECK(rill::connect(socket, all) == open.endpoint());
    CHECK(socket.remote_endpoint() == open.endpoint());
    CHECK(rill::connect(socket, all, ec) == open.endpoint());
    CHECK_FALSE(ec);
    CHECK(rill::connect(socket, all.begin(), all.end()) == all.begin() + 1);
    CHECK(rill::connect(socket, all.begin(), all.end(), ec) == all.begin() + 1);
    CHECK_FALSE(ec);
    const entry entries[] = {{closed.endpoint()}, {open.endpoint()}};
    CHECK(rill::connect(socket, entries) == open.endpoint());
    CHECK(rill::connect(socket, std::begin(entries), std::end(entries)) == entries + 1);
}

TEST_CASE("connect asks its condition before each attempt", "[compose][connect]") {
    rill::io_context ctx;
    port closed(ctx, false), open(ctx), other(ctx);
    tcp::socket socket(ctx);
    const endpoints all = {other.endpoint(), closed.endpoint(), open.endpoint()};
    std::vector<error_code> seen;
    auto not_other = [&](const error_code& before, const tcp::endpoint& next) {
        seen.push_back(before);
        return next != other.endpoint();
    };
    error_code ec;
    CHECK(rill::connect(socket, all, not_other) == open.endpoint());
    CHECK(seen == std::vector<error_code>{{}, {}, rill::error::connection_refused});
    CHECK(rill::connect(socket, all, not_other, ec) == open.endpoint());
    CHECK(rill::connect(socket, all.begin(), all.end(), not_other) == all.begin() + 2);
    CHECK(rill::connect(socket, all.begin(), all.end(), not_other, ec) == all.begin() + 2);
}

TEST_CASE("connect reports the last error, or that there was no endpoint", "[compose][connect]") {
    rill::io_context ctx;
    port closed(ctx, false);
    tcp::socket socket(ctx);
    error_code ec;
    endpoints one = {closed.endpoint()}, none;
    CHECK(rill::connect(socket, one, ec) == tcp::endpoint());
    CHECK(ec == rill::error::connection_refused);
    CHECK(rill::connect(socket, one.begin(), one.end(), ec) == one.end());
    CHECK(ec == rill::error::connection_refused);
    CHECK(rill::connect(socket, none, ec) == tcp::endpoint());
    CHECK(ec == rill::error::not_found);
    CHECK(rill::connect(
              socket, one, [](error_code, tcp::endpoint) { return false; }, ec) == tcp::endpoint());
    CHECK(ec == rill::error::not_found);
    CHECK_THROWS_AS(rill::connect(socket, one), rill::system_error);
    CHECK_THROWS_AS(rill::connect(socket, none.begin(), none.end()), rill::system_error);
}

TEST_CASE("async_connect tries each endpoint until one answers", "[compose][connect]") {
    rill::io_context ctx(GENERATE(1, 2));
    port closed(ctx, false), open(ctx), unused(ctx);
    tcp::socket socket(ctx);
    outcome<tcp::endpoint> done;
    // The range dies before the first attempt.
    async_connect(socket, endpoints{closed.endpoint(), open.endpoint(), unused.endpoint()},
                  recorder<tcp::endpoint>(done));
    CHECK(done.calls == 0);
    ctx.run();
    CHECK(done.calls == 1);
    CHECK(done.destructions == 1);
    CHECK_FALSE(done.ec);
    CHECK(done.where == open.endpoint());
    CHECK(socket.remote_endpoint() == open.endpoint());
}

TEST_CASE("async_connect takes every kind of range", "[compose][connect]") {
    rill::io_context ctx(1);
    port closed(ctx, false), open(ctx);
    tcp::socket socket(ctx);
    outcome<tcp::endpoint> done;
    auto connected = [&] {
        ctx.run();
        ctx.restart();
        return std::exchange(done, {}).where == open.endpoint() && socket.is_open();
    };
    {
        std::list<entry> list = {{closed.endpoint()}, {open.endpoint()}};
        async_connect(socket, list, recorder<tcp::endpoint>(done));
    }
    CHECK(connected());
    {
        entry array[] = {{closed.endpoint()}, {open.endpoint()}};
        async_connect(socket, array, recorder<tcp::endpoint>(done));
    }
    CHECK(connected());
    {
        const entry array[] = {{closed.endpoint()}, {open.endpoint()}};
        auto later = async_connect(socket, array);
        std::move(later)(recorder<tcp::endpoint>(done));
    }
    CHECK(connected());
    {
        const std::array<tcp::endpoint, 1> one = {open.endpoint()};
        async_connect(socket, one, rill::detached);
        ctx.run();
        ctx.restart();
        CHECK(socket.remote_endpoint() == open.endpoint());
    }
}

TEST_CASE("async_connect by iterators tells which one it was", "[compose][connect]") {
    rill::io_context ctx(GENERATE(1, 2));
    port closed(ctx, false), open(ctx);
    tcp::socket socket(ctx);
    const endpoints all = {closed.endpoint(), open.endpoint()};
    using where = endpoints::const_iterator;
    outcome<where> done;
    async_connect(socket, all.begin(), all.end(), recorder<where>(done));
    ctx.run();
    CHECK_FALSE(done.ec);
    CHECK(done.where == all.begin() + 1);

    ctx.restart();
    async_connect(socket, all.begin(), all.begin() + 1, recorder<where>(done));
    ctx.run();
    CHECK(done.ec == rill::error::connection_refused);
    CHECK(done.where == all.begin() + 1);

    ctx.restart();
    auto later = async_connect(socket, all.begin(), all.end());
    std::move(later)(recorder<where>(done));
    ctx.run();
    CHECK_FALSE(done.ec);
}

TEST_CASE("async_connect asks its condition before each attempt", "[compose][connect]") {
    rill::io_context ctx(1);
    port closed(ctx, false), open(ctx), other(ctx);
    tcp::socket socket(ctx);
    const endpoints all = {other.endpoint(), closed.endpoint(), open.endpoint(), other.endpoint()};
    std::vector<error_code> seen;
    auto not_other = [&](const error_code& before, const tcp::endpoint& next) {
        seen.push_back(before);
        return next != other.endpoint();
    };
    outcome<tcp::endpoint> done;
    async_connect(socket, all, not_other, recorder<tcp::endpoint>(done));
    ctx.run();
    CHECK_FALSE(done.ec);
    CHECK(done.where == open.endpoint());
    CHECK(seen == std::vector<error_code>{{}, {}, rill::error::connection_refused});

    ctx.restart();
    outcome<endpoints::const_iterator> at;
    async_connect(socket, all.begin(), all.end(), not_other, recorder<endpoints::const_iterator>(at));
    ctx.run();
    CHECK(at.where == all.begin() + 2);

    ctx.restart();
    auto later = async_connect(socket, all, not_other);
    std::move(later)(recorder<tcp::endpoint>(done));
    ctx.run();
    CHECK(done.calls == 2);

    ctx.restart();
    auto move_only = [limit = std::make_unique<int>(2)](error_code, const tcp::endpoint&) { return --*limit > 0; };
    async_connect(socket, endpoints{closed.endpoint(), open.endpoint()}, std::move(move_only),
                  recorder<tcp::endpoint>(done));
    ctx.run();
    CHECK(done.ec == rill::error::connection_refused);
}

TEST_CASE("async_connect reports the last error, or that there was no endpoint", "[compose][connect]") {
    rill::io_context ctx(GENERATE(1, 2));
    port closed(ctx, false), open(ctx);
    tcp::socket socket(ctx);
    outcome<tcp::endpoint> refused, empty, unwanted;
    async_connect(socket, endpoints{closed.endpoint(), closed.endpoint()}, recorder<tcp::endpoint>(refused));
    ctx.run();
    CHECK(refused.calls == 1);
    CHECK(refused.ec == rill::error::connection_refused);
    CHECK(refused.where == tcp::endpoint());

    ctx.restart();
    async_connect(socket, endpoints(), recorder<tcp::endpoint>(empty));
    CHECK(empty.calls == 0);
    ctx.run();
    CHECK(empty.calls == 1);
    CHECK(empty.ec == rill::error::not_found);

    ctx.restart();
    auto none = [](const error_code&, const tcp::endpoint&) { return false; };
    async_connect(socket, endpoints{open.endpoint()}, none, recorder<tcp::endpoint>(unwanted));
    CHECK(unwanted.calls == 0);
    ctx.run();
    CHECK(unwanted.ec == rill::error::not_found);
}

TEST_CASE("a cancelled async_connect tries no other endpoint", "[compose][connect]") {
    rill::io_context ctx(GENERATE(1, 2));
    auto type = GENERATE(cancellation_type::terminal, cancellation_type::partial);
    full_port silent(ctx);
    port open(ctx);
    tcp::socket socket(ctx);
    rill::cancellation_signal signal;
    outcome<tcp::endpoint> done;
    async_connect(socket, endpoints{silent.endpoint(), open.endpoint()}, cancelled_by<tcp::endpoint>(signal, done));
    ctx.poll();
    REQUIRE(done.calls == 0);
    signal.emit(cancellation_type::total);
    ctx.poll();
    REQUIRE(done.calls == 0);
    signal.emit(type);
    ctx.run();
    CHECK(done.calls == 1);
    CHECK(done.ec == rill::error::operation_aborted);
    CHECK(done.where == tcp::endpoint());
    CHECK_FALSE(signal.slot().has_handler());
}

TEST_CASE("an attempt that fails when async_connect is cancelled is the last", "[compose][connect]") {
    rill::io_context ctx(1);
    port closed(ctx, false), open(ctx);
    tcp::socket socket(ctx);
    rill::cancellation_signal signal;
    outcome<tcp::endpoint> done;
    async_connect(socket, endpoints{closed.endpoint(), open.endpoint()}, cancelled_by<tcp::endpoint>(signal, done));
    signal.emit(cancellation_type::terminal);
    ctx.run();
    CHECK(done.ec == rill::error::operation_aborted);
}

TEST_CASE("closing or cancelling the socket ends async_connect", "[compose][connect]") {
    rill::io_context ctx(GENERATE(1, 2));
    bool close = GENERATE(true, false);
    full_port silent(ctx);
    port open(ctx);
    tcp::socket socket(ctx);
    outcome<tcp::endpoint> done;
    async_connect(socket, endpoints{silent.endpoint(), open.endpoint()}, recorder<tcp::endpoint>(done));
    ctx.poll();
    REQUIRE(done.calls == 0);
    close ? socket.close() : socket.cancel();
    ctx.run();
    CHECK(done.calls == 1);
    CHECK(done.ec == rill::error::operation_aborted);
    CHECK(socket.is_open() == !close);
}

#if TEST_HAS_PROC
TEST_CASE("async_connect reports that no socket can be opened", "[compose][connect]") {
    rill::io_context ctx(1);
    port open(ctx);
    tcp::socket socket(ctx);
    const endpoints all = {open.endpoint(), open.endpoint()};
    outcome<tcp::endpoint> done;
    {
        const no_more_descriptors refused;
        async_connect(socket, all, recorder<tcp::endpoint>(done));
    }
    CHECK(done.calls == 0);
    ctx.run();
    CHECK(done.calls == 1);
    CHECK(done.ec == rill::error::no_descriptors);
}
#endif

TEST_CASE("async_connect dies with its context, and its handler is not called", "[compose][connect]") {
    int hint = GENERATE(1, 2);
    rill::cancellation_signal signal;
    outcome<tcp::endpoint> waiting, empty;
    {
        rill::io_context ctx(hint);
        full_port silent(ctx);
        tcp::socket socket(ctx), other(ctx);
        async_connect(socket, endpoints{silent.endpoint()}, cancelled_by<tcp::endpoint>(signal, waiting));
        ctx.poll();
        async_connect(other, endpoints(), recorder<tcp::endpoint>(empty));
    }
    for (auto* o : {&waiting, &empty}) {
        CHECK(o->calls == 0);
        CHECK(o->destructions == 1);
    }
    CHECK_FALSE(signal.slot().has_handler());
}

TEST_CASE("async_connect is cancelled from another thread, whenever", "[compose][connect][stress]") {
    const int hint = GENERATE(1, 2);
    rill::io_context ctx(hint);
    port closed(ctx, false);
    full_port silent(ctx);
    const endpoints all = {closed.endpoint(), closed.endpoint(), closed.endpoint(), silent.endpoint()};
    int wrong = 0;
    for (int round = 0; round < 200; ++round) {
        tcp::socket socket(ctx);
        rill::cancellation_signal signal;
        outcome<tcp::endpoint> done;
        async_connect(socket, all, cancelled_by<tcp::endpoint>(signal, done));
        std::vector<std::thread> threads;
        for (int i = 0; i < hint; ++i)
            threads.emplace_back([&] { ctx.run(); });
        for (int i = 0; i < round % 11; ++i)
            std::this_thread::yield();
        signal.emit(cancellation_type::terminal);
        for (auto& thread : threads)
            thread.join();
        ctx.restart();
        wrong += done.calls != 1 || done.destructions != 1 || done.ec != rill::error::operation_aborted;
    }
    CHECK(wrong == 0);
}
