// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_socket_acceptor.hpp>

#include "loopback.hpp"

#include <rill/context/executor_work_guard.hpp>
#include <rill/local/stream_protocol.hpp>

#include <support/bare_sockets.hpp>
#include <support/capabilities.hpp>
#include <support/few_descriptors.hpp>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace loopback;
using rill::buffer;
using rill::error_code;
using local = rill::local::stream_protocol;
namespace error = rill::error;

namespace {

using plain_executor = rill::io_context::executor_type;
using plain_socket = rill::basic_stream_socket<tcp, plain_executor>;
using plain_acceptor = rill::basic_socket_acceptor<tcp, plain_executor>;

static_assert(std::is_constructible_v<tcp::acceptor, plain_acceptor&&>);
static_assert(std::is_assignable_v<tcp::acceptor&, plain_acceptor&&>);
static_assert(!std::is_copy_constructible_v<tcp::acceptor> && std::is_nothrow_move_constructible_v<tcp::acceptor>);
static_assert(std::is_same_v<tcp::acceptor::rebind_executor<plain_executor>::other, plain_acceptor>);
static_assert(tcp::acceptor::max_listen_connections > 0);

template <class Call>
error_code thrown(Call call) {
    try {
        call();
    } catch (const rill::system_error& e) {
        return e.code();
    }
    return error_code();
}

/// Connects to @p acceptor, and keeps the connection.
struct client {
    client() : socket(io, tcp::v4()) {}
    template <class Acceptor>
    explicit client(const Acceptor& acceptor) : socket(io) {
        socket.connect(acceptor.local_endpoint());
    }
    rill::io_context io;
    tcp::socket socket;
};

template <class Socket>
bool talks(Socket& accepted, client& c) {
    accepted.send(buffer("x", 1));
    char got = 0;
    return c.socket.receive(buffer(&got, 1)) == 1 && got == 'x';
}

#if TEST_HAS_LOCAL_SOCKETS
/// A directory of its own, which goes with what is in it.
class temporary_directory {
public:
    temporary_directory() { REQUIRE(::mkdtemp(name_) != nullptr); }
    temporary_directory(const temporary_directory&) = delete;
    ~temporary_directory() {
        std::remove(file().c_str());
        std::remove(name_);
    }
    std::string file() const { return std::string(name_) + "/socket"; }

private:
    char name_[32] = "/tmp/rill-test-XXXXXX";
};
#endif

}  // namespace

TEST_CASE("every synchronous form accepts", "[io][basic_socket_acceptor]") {
    rill::io_context io(GENERATE(solo, shared));
    rill::io_context other;
    tcp::acceptor acceptor(io, any_port());
    tcp::endpoint peer;
    error_code ec = error::eof;
    auto check = [&](auto accept) {
        client c(acceptor);
        peer = tcp::endpoint();
        ec = error::eof;
        auto s = accept();
        CHECK((!ec || ec == error::eof));
        CHECK((peer == tcp::endpoint() || peer == c.socket.local_endpoint()));
        CHECK(s.local_endpoint() == acceptor.local_endpoint());
        CHECK(talks(s, c));
        return s;
    };
    auto into = [&](auto accept) {
        check([&] {
            tcp::socket s(io);
            accept(s);
            return s;
        });
    };
    into([&](tcp::socket& s) { acceptor.accept(s); });
    into([&](tcp::socket& s) { acceptor.accept(s, ec); });
    CHECK_FALSE(ec);
    into([&](tcp::socket& s) { acceptor.accept(s, peer); });
    CHECK(peer != tcp::endpoint());
    into([&](tcp::socket& s) { acceptor.accept(s, peer, ec); });
    CHECK_FALSE(ec);
    check([&] { return acceptor.accept(); });
    check([&] { return acceptor.accept(ec); });
    CHECK_FALSE(ec);
    check([&] { return acceptor.accept(peer); });
    CHECK(peer != tcp::endpoint());
    check([&] { return acceptor.accept(peer, ec); });
    CHECK(check([&] { return acceptor.accept(other); }).get_executor() == other.get_executor());
    CHECK(check([&] { return acceptor.accept(other, ec); }).get_executor() == other.get_executor());
    CHECK(check([&] { return acceptor.accept(other, peer); }).get_executor() == other.get_executor());
    CHECK(check([&] { return acceptor.accept(other, peer, ec); }).get_executor() == other.get_executor());
    auto ex = other.get_executor();
    plain_socket on_executor = check([&] { return acceptor.accept(ex); });
    CHECK(on_executor.get_executor() == ex);
    on_executor = check([&] { return acceptor.accept(ex, ec); });
    on_executor = check([&] { return acceptor.accept(ex, peer); });
    on_executor = check([&] { return acceptor.accept(ex, peer, ec); });
    CHECK(peer == on_executor.remote_endpoint());
    plain_socket into_other(other);
    client c(acceptor);
    acceptor.accept(into_other);
    CHECK(talks(into_other, c));
}

TEST_CASE("every asynchronous form accepts", "[io][basic_socket_acceptor]") {
    rill::io_context io(GENERATE(solo, shared));
    rill::io_context other;
    tcp::acceptor acceptor(io, any_port());
    tcp::endpoint peer;
    const bool connected_first = GENERATE(true, false);
    auto check = [&](auto start) {
        std::optional<client> c;
        peer = tcp::endpoint();
        if (connected_first)
            c.emplace(acceptor);
        int calls = 0;
        start([&](const error_code& ec, auto& s) {
            ++calls;
            CHECK_FALSE(ec);
            CHECK(talks(s, *c));
            CHECK((peer == tcp::endpoint() || peer == c->socket.local_endpoint()));
        });
        CHECK(calls == 0);
        if (!connected_first) {
            io.restart();
            io.poll();
            CHECK(calls == 0);
            c.emplace(acceptor);
        }
        run(io);
        CHECK(calls == 1);
    };
    auto fresh = [](auto then) { return [then](error_code ec, auto s) { then(ec, s); }; };
    auto into = [&](auto start) {
        auto s = std::make_shared<tcp::socket>(io);
        check([&](auto then) { start(*s, [then, s](error_code ec) { then(ec, *s); }); });
    };
    into([&](tcp::socket& s, auto handler) { acceptor.async_accept(s, handler); });
    into([&](tcp::socket& s, auto handler) { acceptor.async_accept(s, peer, handler); });
    CHECK(peer != tcp::endpoint());
    into([&](tcp::socket& s, auto handler) { acceptor.async_accept(s)(handler); });
    check([&](auto then) { acceptor.async_accept(fresh(then)); });
    check([&](auto then) { acceptor.async_accept()(fresh(then)); });
    check([&](auto then) { acceptor.async_accept(peer, fresh(then)); });
    CHECK(peer != tcp::endpoint());
    check([&](auto then) { acceptor.async_accept(peer)(fresh(then)); });
    check([&](auto then) { acceptor.async_accept(other, fresh(then)); });
    check([&](auto then) { acceptor.async_accept(other, peer, fresh(then)); });
    CHECK(peer != tcp::endpoint());
    check([&](auto then) {
        acceptor.async_accept(other.get_executor(), [&other, then](error_code ec, plain_socket s) {
            CHECK(s.get_executor() == other.get_executor());
            then(ec, s);
        });
    });
    check([&](auto then) { acceptor.async_accept(other.get_executor(), peer, fresh(then)); });
    CHECK(peer != tcp::endpoint());
    auto into_other = std::make_shared<plain_socket>(other);
    check([&](auto then) {
        acceptor.async_accept(*into_other, [then, into_other](error_code ec) { then(ec, *into_other); });
    });
}

#if TEST_HAS_DESCRIPTORS
TEST_CASE("an accepted socket does not block, nor outlive an exec", "[io][basic_socket_acceptor]") {
    rill::io_context io;
    tcp::acceptor acceptor(io, any_port());
    client c(acceptor);
    tcp::socket s = acceptor.accept();
    CHECK(bare::closes_on_exec(s.native_handle()));
    CHECK(bare::is_non_blocking(s.native_handle()));
    CHECK_FALSE(s.non_blocking());
    CHECK(bare::closes_on_exec(acceptor.native_handle()));
}
#endif

TEST_CASE("a connection is not accepted into an open socket", "[io][basic_socket_acceptor]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::acceptor acceptor(io, any_port());
    client c(acceptor);
    tcp::socket open(io, tcp::v4());
    error_code ec;
    acceptor.accept(open, ec);
    CHECK(ec == error::already_open);
    CHECK(thrown([&] { acceptor.accept(open); }) == error::already_open);
    answer accept;
    acceptor.async_accept(open, accept.handler());
    CHECK(accept.calls == 0);
    run(io);
    CHECK(accept.ec == error::already_open);
    // The connection is there still.
    tcp::socket s = acceptor.accept();
    CHECK(talks(s, c));

    // Opened while the accept waits.
    tcp::socket late(io);
    answer late_accept;
    acceptor.async_accept(late, late_accept.handler());
    late.open(tcp::v4());
    client lost(acceptor);
    run(io);
    CHECK(late_accept.ec == error::already_open);
    char data[4];
    lost.socket.read_some(buffer(data), ec);
    CHECK(ec);
}

TEST_CASE("a pending accept is cancelled by its slot, by cancel() and by close()", "[io][basic_socket_acceptor]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::acceptor acceptor(io, any_port());
    tcp::socket into(io);
    answer accepts[3], wait;
    rill::cancellation_signal signal;
    acceptor.async_accept(into, accepts[0].handler(signal));
    int fresh = 0;
    auto aborted_fresh = [&](error_code ec, tcp::socket s) {
        CHECK(ec == error::operation_aborted);
        CHECK_FALSE(s.is_open());
        ++fresh;
    };
    acceptor.async_accept(rill::bind_cancellation_slot(signal.slot(), aborted_fresh));  // takes over the slot
    acceptor.async_accept(into, accepts[1].handler());
    io.poll();
    signal.emit(rill::cancellation_type::total);
    io.restart();
    io.poll();
    CHECK(fresh == 1);
    CHECK(accepts[0].calls + accepts[1].calls == 0);

    acceptor.cancel();
    acceptor.async_accept(into, accepts[2].handler());
    acceptor.async_accept(aborted_fresh);
    acceptor.async_wait(tcp::acceptor::wait_read, wait.handler());
    if (GENERATE(true, false))
        io.poll();
    CHECK(accepts[2].calls == 0);
    acceptor.close();
    run(io);
    CHECK(fresh == 2);
    for (const answer* a : {&accepts[0], &accepts[1], &accepts[2], &wait})
        CHECK(a->aborted());
    CHECK_FALSE(into.is_open());
}

TEST_CASE("several pending accepts take connections in their order", "[io][basic_socket_acceptor]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::acceptor acceptor(io, any_port());
    constexpr std::size_t count = 5;
    std::vector<tcp::endpoint> peers(count), clients;
    std::vector<tcp::socket> accepted;
    for (std::size_t i = 0; i < count; ++i) {
        acceptor.async_accept(peers[i], [&, i](error_code ec, tcp::socket s) {
            CHECK_FALSE(ec);
            CHECK(accepted.size() == i);
            accepted.push_back(std::move(s));
        });
    }
    io.poll();
    std::vector<std::unique_ptr<client>> connections;
    for (std::size_t i = 0; i < count; ++i) {
        connections.push_back(std::make_unique<client>(acceptor));
        clients.push_back(connections.back()->socket.local_endpoint());
    }
    run(io);
    CHECK(accepted.size() == count);
    CHECK(peers == clients);
}

TEST_CASE("an acceptor may wait for a connection without accepting it", "[io][basic_socket_acceptor]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::acceptor acceptor(io, any_port());
    answer wait;
    acceptor.async_wait(tcp::acceptor::wait_read, wait.handler());
    io.poll();
    CHECK(wait.calls == 0);
    client c(acceptor);
    run(io);
    CHECK(wait.succeeded());
    acceptor.wait(tcp::acceptor::wait_read);
    acceptor.non_blocking(true);
    tcp::socket s = acceptor.accept();
    CHECK(talks(s, c));
    error_code ec;
    acceptor.accept(ec);
    CHECK(ec == error::would_block);
    acceptor.wait(tcp::acceptor::wait_read, ec);
    CHECK(ec == error::would_block);
}

#if TEST_HAS_PROC
TEST_CASE("an accept without descriptors fails, and the connection waits for the next one",
          "[io][basic_socket_acceptor]") {
    few_descriptors descriptors;
    rill::io_context io(GENERATE(solo, shared));
    tcp::acceptor acceptor(io, any_port());
    const bool waiting_before = GENERATE(true, false);
    tcp::socket s(io);
    answer accept;
    if (waiting_before) {
        acceptor.async_accept(s, accept.handler());
        io.poll();
    }
    client c;
    answer again;
    std::size_t handlers = 0;
    error_code accept_ec, open_ec;
    tcp::socket none(io);
    {
        // Nothing is checked in here: to look at an object UndefinedBehaviorSanitizer needs a pipe.
        descriptors.exhaust();
        c.socket.connect(acceptor.local_endpoint());
        if (!waiting_before)
            acceptor.async_accept(s, accept.handler());
        run_until(io, [&] { return accept.calls != 0; });
        acceptor.async_accept(s, again.handler());
        io.restart();
        handlers = io.run();
        acceptor.accept(s, accept_ec);
        none.open(tcp::v4(), open_ec);
        descriptors.give_back();
    }
    CHECK(accept.calls == 1);
    CHECK(accept.ec == error::no_descriptors);
    CHECK(again.ec == error::no_descriptors);
    CHECK(handlers == 1);
    CHECK(accept_ec == error::no_descriptors);
    CHECK(open_ec == error::no_descriptors);
    CHECK_FALSE(s.is_open());
    answer last;
    acceptor.async_accept(s, last.handler());
    run(io);
    CHECK(last.succeeded());
    CHECK(talks(s, c));
}
#endif

TEST_CASE("a port that is taken is not bound again", "[io][basic_socket_acceptor]") {
    rill::io_context io;
    tcp::acceptor acceptor(io, any_port(), GENERATE(true, false));
    CHECK(thrown([&] { tcp::acceptor(io, acceptor.local_endpoint()); }) == error::address_in_use);
    tcp::acceptor closed(io);
    error_code ec;
    closed.listen(1, ec);
    CHECK(ec == error::bad_descriptor);
    closed.open(tcp::v4());
    closed.bind(acceptor.local_endpoint(), ec);
    CHECK(ec == error::address_in_use);
}

TEST_CASE("a closed acceptor answers bad_descriptor", "[io][basic_socket_acceptor]") {
    rill::io_context io(GENERATE(solo, shared));
    tcp::acceptor acceptor(io);
    error_code ec;
    tcp::socket s(io);
    tcp::endpoint peer;
    acceptor.accept(s, ec);
    CHECK(ec == error::bad_descriptor);
    acceptor.accept(s, peer, ec);
    CHECK(ec == error::bad_descriptor);
    CHECK(thrown([&] { acceptor.accept(); }) == error::bad_descriptor);
    CHECK(thrown([&] { acceptor.listen(); }) == error::bad_descriptor);
    CHECK(thrown([&] { acceptor.local_endpoint(); }) == error::bad_descriptor);
    answer accept, wait;
    acceptor.async_accept(s, accept.handler());
    acceptor.async_wait(tcp::acceptor::wait_read, wait.handler());
    run(io);
    CHECK(accept.ec == error::bad_descriptor);
    CHECK(wait.ec == error::bad_descriptor);

    acceptor.open(tcp::v4());
    acceptor.accept(s, ec);
    CHECK(ec == error::invalid_argument);  // it does not listen
    answer not_listening;
    acceptor.async_accept(s, not_listening.handler());
    run(io);
    CHECK(not_listening.ec == error::invalid_argument);
}

TEST_CASE("a listener's port can be bound again in the statement after its close", "[io][basic_socket_acceptor]") {
    rill::io_context io(GENERATE(solo, shared));
    const bool reuse = GENERATE(true, false);
    std::optional<tcp::acceptor> acceptor(std::in_place, io, any_port(), reuse);
    const tcp::endpoint endpoint = acceptor->local_endpoint();
    int aborted = 0;
    auto count = [&](error_code ec, tcp::socket) { aborted += ec == error::operation_aborted; };
    auto cycle = [&] {
        for (int i = 0; i < 3; ++i) {
            acceptor->async_accept(count);
            acceptor->async_accept(count);
            if (i == 0)
                acceptor->close();
            else
                acceptor.reset();
            acceptor.emplace(io, endpoint, reuse);
        }
        acceptor->close();
    };
    SECTION("before run()") { cycle(); }
    SECTION("inside run()") { io.get_executor().execute(cycle); }
    run(io);
    CHECK(aborted == 6);
}

TEST_CASE("a listener's port can be bound again at once while another thread runs the context",
          "[io][basic_socket_acceptor]") {
    rill::io_context io(GENERATE(solo, shared));
    const bool reuse = GENERATE(true, false);
    std::atomic<int> aborted{0}, others{0};
    auto count = [&](error_code ec, tcp::socket) { ++(ec == error::operation_aborted ? aborted : others); };
    constexpr int rounds = 100;
    int refused = 0, bound = 0;
    {
        auto work = rill::make_work_guard(io);
        std::thread runner([&] { io.run(); });
        std::optional<tcp::acceptor> acceptor(std::in_place, io, any_port(), reuse);
        const tcp::endpoint endpoint = acceptor->local_endpoint();
        for (int i = 0; i < rounds; ++i) {
            acceptor->async_accept(count);
            acceptor->async_accept(count);
            if (i % 2)
                std::this_thread::yield();  // let it be waiting, more often than not
            acceptor->close();
            error_code ec;
            acceptor->open(endpoint.protocol());
            acceptor->set_option(tcp::acceptor::reuse_address(reuse));
            acceptor->bind(endpoint, ec);
            if (!ec)
                acceptor->listen(tcp::acceptor::max_listen_connections, ec);
            ++(ec ? refused : bound);
            if (ec) {
                acceptor->close();
                break;
            }
        }
        acceptor.reset();
        work.reset();
        runner.join();
    }
    CHECK(refused == 0);
    CHECK(bound == rounds);
    CHECK(others == 0);
}

TEST_CASE("an acceptor may be moved with accepts pending, also to another executor", "[io][basic_socket_acceptor]") {
    rill::io_context io(GENERATE(solo, shared));
    plain_acceptor plain(io, any_port());
    answer accept;
    tcp::socket s(io);
    plain.async_accept(s, accept.handler());
    io.poll();
    plain_acceptor moved(std::move(plain));
    tcp::acceptor general(std::move(moved));
    CHECK_FALSE(moved.is_open());
    client c(general);
    run(io);
    CHECK(accept.succeeded());
    CHECK(talks(s, c));
    tcp::acceptor assigned(io, any_port());
    answer aborted;
    tcp::socket never(io);
    assigned.async_accept(never, aborted.handler());
    assigned = std::move(general);
    run(io);
    CHECK(aborted.aborted());
    client again(assigned);
    tcp::socket fresh = assigned.accept();
    CHECK(talks(fresh, again));
}

TEST_CASE("acceptors may be destroyed after their context, and accepted sockets with it",
          "[io][basic_socket_acceptor]") {
    std::optional<rill::io_context> io;
    io.emplace(GENERATE(solo, shared));
    tcp::acceptor acceptor(*io, any_port());
    auto life = std::make_shared<int>();
    client c(acceptor);
    acceptor.async_accept([life](error_code, tcp::socket) {});
    acceptor.async_accept([life](error_code, tcp::socket) {});
    if (GENERATE(true, false))
        io->run_one();  // solo and shared: one is accepted and delivered, the other waits
    io.reset();
    CHECK(life.use_count() == 1);
    char data[4];
    error_code ec;
    if (c.socket.available(ec) == 0)
        acceptor.close();
    c.socket.read_some(buffer(data), ec);
    CHECK(ec);
}

TEST_CASE("connections that went away are passed over, unless they are asked for", "[io][basic_socket_acceptor]") {
    rill::io_context io;
    tcp::acceptor acceptor(io, any_port());
    tcp::acceptor::enable_connection_aborted option(true);
    acceptor.set_option(option);
    option = false;
    acceptor.get_option(option);
    CHECK(option.value());
    acceptor.set_option(tcp::acceptor::enable_connection_aborted(false));
    acceptor.get_option(option);
    CHECK_FALSE(option.value());
}

#if TEST_HAS_LOCAL_SOCKETS
TEST_CASE("a local acceptor listens on a path", "[io][basic_socket_acceptor]") {
    rill::io_context io(GENERATE(solo, shared));
    temporary_directory directory;
    local::acceptor acceptor(io, local::endpoint(directory.file()));
    CHECK(acceptor.local_endpoint().path() == directory.file());
    CHECK(thrown([&] { local::acceptor(io, local::endpoint(directory.file())); }) == error::address_in_use);
    local::socket connecting(io), accepted(io);
    local::endpoint peer("nobody");
    answer accept, connect;
    acceptor.async_accept(accepted, peer, accept.handler());
    io.poll();
    connecting.async_connect(local::endpoint(directory.file()), connect.handler());
    run(io);
    CHECK(accept.succeeded());
    CHECK(connect.succeeded());
    CHECK(peer.path().empty());
    CHECK(connecting.remote_endpoint().path() == directory.file());
    char data[4];
    connecting.send(buffer("abc", 3));
    CHECK(accepted.receive(buffer(data)) == 3);
}

TEST_CASE("a local acceptor listens on an abstract name", "[io][basic_socket_acceptor]") {
    rill::io_context io(GENERATE(solo, shared));
    const std::string name = std::string(1, '\0') + "rill-test-" + std::to_string(::getpid());
    local::acceptor acceptor(io, local::endpoint(name));
    CHECK(acceptor.local_endpoint().path() == name);
    local::socket connecting(io);
    connecting.connect(acceptor.local_endpoint());
    local::endpoint peer;
    local::socket accepted = acceptor.accept(peer);
    char data[4];
    connecting.send(buffer("abc", 3));
    CHECK(accepted.receive(buffer(data)) == 3);
    // As soon as the acceptor is closed the name is free.
    acceptor.close();
    local::acceptor again(io, local::endpoint(name));
}

TEST_CASE("a peer whose path fills the address is accepted", "[io][basic_socket_acceptor]") {
    // Without room for a NUL the system reports an address that is longer than its own type: unix(7), "BUGS".
    rill::io_context io(GENERATE(solo, shared));
    temporary_directory directory;
    local::acceptor acceptor(io, local::endpoint(directory.file()));
    ::sockaddr_un own{};
    own.sun_family = AF_UNIX;
    const std::string prefix = directory.file() + std::to_string(solo);
    std::memset(own.sun_path, 'x', sizeof(own.sun_path));
    std::memcpy(own.sun_path, prefix.data(), prefix.size());
    const std::string path(own.sun_path, sizeof(own.sun_path));
    for (int round = 0; round < 2; ++round) {
        const int raw = ::socket(AF_UNIX, SOCK_STREAM, 0);
        REQUIRE(::bind(raw, reinterpret_cast<const ::sockaddr*>(&own), sizeof(own)) == 0);
        local::endpoint peer;
        local::socket connecting(io, local(), raw), accepted(io);
        if (round == 0) {
            answer accept;
            acceptor.async_accept(accepted, peer, accept.handler());
            connecting.connect(acceptor.local_endpoint());
            run(io);
            CHECK(accept.succeeded());
        } else {
            connecting.connect(acceptor.local_endpoint());
            acceptor.accept(accepted, peer);
        }
        CHECK(peer.path() == path);
        error_code ec;
        CHECK(connecting.local_endpoint(ec).path() == path);
        CHECK(accepted.remote_endpoint(ec).path() == path);
        std::remove(path.c_str());
    }
}
#endif
