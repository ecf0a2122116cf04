// SPDX-License-Identifier: BSL-1.0
#include <rill/context/io_context.hpp>

#include <support/capabilities.hpp>

#if TEST_HAS_FORK

#include <rill/compose/read.hpp>
#include <rill/compose/write.hpp>
#include <rill/context/executor_work_guard.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/post.hpp>

#include <support/catch.hpp>
#include <support/child_process.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

using rill::io_context;
using rill::ip::tcp;
using local_socket = rill::local::stream_protocol::socket;
using namespace std::chrono_literals;

namespace {

int any_hint() { return GENERATE(1, 2); }

const tcp::endpoint any_port(rill::ip::address_v4::loopback(), 0);

/// Forks as the documentation says. The child ends with what @p f returns.
template <class Function>
pid_t fork_with(io_context& ctx, Function f) {
    ctx.notify_fork(io_context::fork_prepare);
    const pid_t id = ::fork();
    if (id == 0)
        child_process::leave([&] {
            ctx.notify_fork(io_context::fork_child);
            return f();
        });
    ctx.notify_fork(io_context::fork_parent);
    return id;
}

/// Runs the context until @p done says so. False: it took for ever, or there was nothing left to run.
template <class Condition>
bool run_until(io_context& ctx, Condition done) {
    ctx.restart();
    while (!done())
        if (ctx.run_one_for(20s) == 0)
            return false;
    return true;
}

/// A message from one process to the other.
class signal_pipe {
public:
    signal_pipe() {
        if (::pipe(ends_) != 0)
            ::abort();
    }
    signal_pipe(const signal_pipe&) = delete;
    ~signal_pipe() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    bool send() { return ::write(ends_[1], "!", 1) == 1; }
    bool receive() {
        char c;
        return ::read(ends_[0], &c, 1) == 1;
    }

private:
    int ends_[2];
};

/// Accepts one connection, and answers with a byte and what it has read.
class one_byte_server {
public:
    one_byte_server(io_context& ctx, char answer) : acceptor(ctx, any_port), answer_(answer) {
        acceptor.async_accept([this](rill::error_code ec, tcp::socket s) {
            error = ec;
            if (!ec)
                serve(std::move(s));
            else
                ended = true;
        });
    }

    tcp::acceptor acceptor;
    rill::error_code error;
    bool ended = false;

private:
    void serve(tcp::socket s) {
        socket_.emplace(std::move(s));
        socket_->async_read_some(rill::buffer(data_ + 1, 1), [this](rill::error_code ec, std::size_t) {
            error = ec;
            data_[0] = answer_;
            rill::async_write(*socket_, rill::buffer(data_), [this](rill::error_code e, std::size_t) {
                if (!error)
                    error = e;
                ended = true;
            });
        });
    }

    std::optional<tcp::socket> socket_;
    char answer_;
    char data_[2];
};

void send_question(tcp::socket& client, const tcp::acceptor& to) {
    client.connect(to.local_endpoint());
    rill::write(client, rill::buffer("?", 1));
}

std::string answer(tcp::socket& client) {
    char data[2];
    rill::error_code ec;
    const std::size_t n = rill::read(client, rill::buffer(data), ec);
    return std::string(data, n);
}

struct pair {
    explicit pair(io_context& ctx) : mine(ctx), peer(ctx) { rill::local::connect_pair(mine, peer); }
    local_socket mine, peer;
};

/// The numbers by which the kernel knows this process's event counters.
std::string event_counters() {
    std::string ids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
        std::ifstream info(entry.path());
        for (std::string line; std::getline(info, line);)
            if (line.starts_with("eventfd-id:"))
                ids += line;
    }
    return ids;
}

/// How many handles this process's only epoll instance watches; none if there is no such instance.
std::optional<int> watched_handles() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code ec;
        if (std::filesystem::read_symlink(entry.path(), ec) != "anon_inode:[eventpoll]")
            continue;
        std::ifstream info("/proc/self/fdinfo/" + entry.path().filename().string());
        int n = 0;
        for (std::string line; std::getline(info, line);)
            n += line.starts_with("tfd:");
        return n;
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("after a fork each process serves with the accept that was pending", "[context][io_context][fork]") {
    io_context ctx(any_hint());
    one_byte_server childs(ctx, 'c'), parents(ctx, 'p');
    bool timer_went_off = false;
    rill::steady_timer timer(ctx, 1ms);
    timer.async_wait([&](rill::error_code ec) { timer_went_off = !ec; });
    ctx.poll_one();
    signal_pipe ready;
    child_process child(fork_with(ctx, [&] {
        parents.acceptor.close();
        const bool ended = run_until(ctx, [&] { return parents.ended; });
        if (!ended || parents.error != rill::error::operation_aborted || !ready.send())
            return 1;
        if (!run_until(ctx, [&] { return childs.ended && timer_went_off; }))
            return 2;
        return childs.error ? 3 : 0;
    }));
    REQUIRE(ready.receive());  // the child has closed its copy of the parent's acceptor

    tcp::socket asks_child(ctx), asks_parent(ctx);
    const auto address = childs.acceptor.local_endpoint();
    childs.acceptor.close();
    asks_child.connect(address);
    rill::write(asks_child, rill::buffer("1", 1));
    send_question(asks_parent, parents.acceptor);
    CHECK(run_until(ctx, [&] { return parents.ended && childs.ended && timer_went_off; }));
    CHECK_FALSE(parents.error);
    CHECK(childs.error == rill::error::operation_aborted);
    CHECK(answer(asks_child) == "c1");
    CHECK(answer(asks_parent) == "p?");
    CHECK(child.exit_code() == 0);
}

TEST_CASE("pending reads and writes go on in the process that keeps the socket", "[context][io_context][fork]") {
    io_context ctx(any_hint());
    pair parents_read(ctx), childs_read(ctx), childs_write(ctx);
    rill::error_code parents_error, childs_error, write_error;
    char parents_byte = 0, childs_byte = 0;
    int done = 0;
    parents_read.mine.async_read_some(rill::buffer(&parents_byte, 1), [&](rill::error_code ec, std::size_t) {
        parents_error = ec;
        ++done;
    });
    childs_read.mine.async_read_some(rill::buffer(&childs_byte, 1), [&](rill::error_code ec, std::size_t) {
        childs_error = ec;
        ++done;
    });
    std::vector<char> much(4'000'000, 'w');  // more than the kernel takes
    rill::async_write(childs_write.mine, rill::buffer(much), [&](rill::error_code ec, std::size_t) {
        write_error = ec;
        ++done;
    });
    ctx.poll();
    REQUIRE(done == 0);
    signal_pipe ready;
    child_process child(fork_with(ctx, [&] {
        parents_read.mine.close();
        childs_read.peer.close();
        childs_write.peer.close();
        if (!ready.send() || !run_until(ctx, [&] { return done == 3; }))
            return 1;
        if (parents_error != rill::error::operation_aborted)
            return 2;
        if (childs_error || childs_byte != 'c')
            return 3;
        return write_error ? 4 : 0;
    }));
    REQUIRE(ready.receive());
    childs_read.mine.close();
    childs_write.mine.close();
    rill::write(parents_read.peer, rill::buffer("p", 1));
    CHECK(run_until(ctx, [&] { return done == 3; }));
    CHECK_FALSE(parents_error);
    CHECK(parents_byte == 'p');
    CHECK(childs_error == rill::error::operation_aborted);
    CHECK(write_error == rill::error::operation_aborted);

    rill::write(childs_read.peer, rill::buffer("c", 1));
    std::vector<char> read(much.size());
    rill::read(childs_write.peer, rill::buffer(read));
    CHECK(read == much);
    CHECK(child.exit_code() == 0);
}

TEST_CASE("timers go off in both processes, and new ones may be set", "[context][io_context][fork]") {
    io_context ctx(any_hint());
    rill::steady_timer first(ctx, 100ms), second(ctx), never(ctx, 1h);
    int went_off = 0;
    never.async_wait(rill::detached);
    first.async_wait([&](rill::error_code ec) {
        went_off += !ec;
        second.expires_after(1ms);
        second.async_wait([&](rill::error_code e) { went_off += !e; });
    });
    pair p(ctx);
    char byte;
    p.mine.async_read_some(rill::buffer(&byte, 1), rill::detached);
    ctx.poll();
    rill::write(p.peer, rill::buffer("!", 1));
    ctx.run_one();  // a wait that has set an alarm for the first timer, but ends by the read
    const auto both = [&] { return run_until(ctx, [&] { return went_off == 2; }) ? 0 : 1; };
    child_process child(fork_with(ctx, both));
    CHECK(both() == 0);
    CHECK(child.exit_code() == 0);
}

TEST_CASE("a handler may fork a process for each connection", "[context][io_context][fork]") {
    struct server {
        explicit server(io_context& c) : ctx(c), acceptor(c, any_port) { accept(); }
        void accept() {
            acceptor.async_accept([this](rill::error_code ec, tcp::socket s) {
                if (ec)
                    return;
                ctx.notify_fork(io_context::fork_prepare);
                const pid_t id = ::fork();
                if (id == 0) {
                    in_child = true;
                    ctx.notify_fork(io_context::fork_child);
                    acceptor.close();
                    socket.emplace(std::move(s));
                    serve();
                } else {
                    children.push_back(id);
                    ctx.notify_fork(io_context::fork_parent);
                    s.close();
                    accept();
                }
            });
        }
        void serve() {
            socket->async_read_some(rill::buffer(data + 1, 1), [this](rill::error_code ec, std::size_t n) {
                if (ec || n == 0)
                    return;
                data[0] = 'c';
                rill::async_write(*socket, rill::buffer(data), [this](rill::error_code, std::size_t) { serve(); });
            });
        }
        io_context& ctx;
        tcp::acceptor acceptor;
        std::optional<tcp::socket> socket;
        char data[2];
        bool in_child = false;
        std::vector<pid_t> children;
    };
    io_context ctx(any_hint());
    server s(ctx);
    std::vector<tcp::socket> clients;
    for (std::size_t i = 0; i != 3; ++i) {
        auto& client = clients.emplace_back(ctx);
        client.connect(s.acceptor.local_endpoint());
        const bool forked = run_until(ctx, [&] { return s.in_child || s.children.size() == i + 1; });
        if (s.in_child)
            child_process::leave([&] {
                for (auto& c : clients)
                    c.close();
                ctx.restart();
                ctx.run();  // until the client has closed its end
                return 0;
            });
        REQUIRE(forked);
    }
    for (int round = 0; round != 2; ++round) {
        for (auto& client : clients) {
            const char question = static_cast<char>('0' + round);
            rill::write(client, rill::buffer(&question, 1));
            CHECK(answer(client) == std::string("c") + question);
        }
    }
    clients.clear();
    for (pid_t id : s.children)
        CHECK(child_process(id).exit_code() == 0);
}

TEST_CASE("a child that uses nothing of the context does not disturb the parent", "[context][io_context][fork]") {
    std::optional<io_context> ctx(std::in_place, any_hint());
    std::optional<one_byte_server> server(std::in_place, *ctx, 'p');
    ctx->poll();
    ctx->notify_fork(io_context::fork_prepare);
    const pid_t id = ::fork();
    if (id == 0)
        child_process::leave([&] {
            server.reset();
            ctx.reset();
            return 0;
        });
    child_process child(id);
    CHECK(child.exit_code() == 0);
    ctx->notify_fork(io_context::fork_parent);
    tcp::socket client(*ctx);
    send_question(client, server->acceptor);
    CHECK(run_until(*ctx, [&] { return server->ended; }));
    CHECK(answer(client) == "p?");
}

TEST_CASE("each process is woken by its own threads", "[context][io_context][fork]") {
    io_context ctx(any_hint());
    const auto wakes = [&] {
        int posted = 0;
        auto work = rill::make_work_guard(ctx);
        std::thread poster([&] {
            for (int i = 0; i != 100; ++i)
                rill::post(ctx, [&] { ++posted; });
            rill::post(ctx, [&] { work.reset(); });
        });
        ctx.restart();
        ctx.run();
        poster.join();
        return posted == 100 ? 0 : 1;
    };
    child_process child(fork_with(ctx, wakes));
    CHECK(wakes() == 0);
    CHECK(child.exit_code() == 0);
}

TEST_CASE("each process has an event counter of its own", "[context][io_context][fork]") {
    io_context ctx(any_hint());
    const auto before = event_counters();
    if (before.empty())
        return;  // no /proc, or a kernel that does not say
    child_process child(
        fork_with(ctx, [&] { return event_counters() != before && !event_counters().empty() ? 0 : 1; }));
    CHECK(event_counters() == before);
    CHECK(child.exit_code() == 0);
}

TEST_CASE("a listener closed by another thread goes on listening in the other process", "[context][io_context][fork]") {
    io_context ctx(1);
    one_byte_server server(ctx, 'c');
    ctx.poll();
    tcp::socket client(ctx);
    const auto address = server.acceptor.local_endpoint();
    child_process child(fork_with(ctx, [&] { return run_until(ctx, [&] { return server.ended; }) ? 0 : 1; }));
    auto work = rill::make_work_guard(ctx);
    std::thread runner([&] { ctx.run(); });
    server.acceptor.close();
    work.reset();
    runner.join();
    CHECK(server.error == rill::error::operation_aborted);
    client.connect(address);
    rill::write(client, rill::buffer("1", 1));
    CHECK(answer(client) == "c1");
    CHECK(child.exit_code() == 0);
}

TEST_CASE("a process may fork while the loop has not learnt yet that another thread has closed a socket",
          "[context][io_context][fork]") {
    io_context ctx(1);
    one_byte_server server(ctx, 'c');
    pair p(ctx);
    char byte;
    rill::error_code error;
    p.mine.async_read_some(rill::buffer(&byte, 1), [&](rill::error_code ec, std::size_t) { error = ec; });
    ctx.poll();
    tcp::socket client(ctx);
    rill::post(ctx, [&] {
        std::thread([&] { p.mine.close(); }).join();
        ctx.stop();
    });
    ctx.restart();
    ctx.run();
    child_process child(fork_with(ctx, [&] {
        return run_until(ctx, [&] { return server.ended; }) && error == rill::error::operation_aborted ? 0 : 1;
    }));
    // First: with io_uring the kernel may accept for this process too, though nobody runs its context.
    const tcp::endpoint address = server.acceptor.local_endpoint();
    server.acceptor.close();
    client.connect(address);
    rill::write(client, rill::buffer("1", 1));
    CHECK(answer(client) == "c1");
    CHECK(child.exit_code() == 0);
}

TEST_CASE("a handle that was closed is not watched on behalf of the other process", "[context][io_context][fork]") {
    io_context ctx(rill::backend::epoll, any_hint());
    pair p(ctx);
    char byte;
    p.mine.async_read_some(rill::buffer(&byte, 1), rill::detached);
    ctx.poll();
    const auto before = watched_handles();
    if (!before)
        return;  // no /proc
    signal_pipe checked;
    child_process child(fork_with(ctx, [&] {
        const auto own = watched_handles();
        p.mine.close();
        const bool same = own == before && watched_handles() == *before - 1;
        return same && checked.receive() ? 0 : 1;
    }));
    CHECK(watched_handles() == before);
    p.mine.close();
    CHECK(watched_handles() == *before - 1);  // though the child may still have the file
    CHECK(checked.send());
    CHECK(child.exit_code() == 0);
}

TEST_CASE("a child that gets no descriptors is told so, and may try again", "[context][io_context][fork]") {
    io_context ctx(any_hint());
    one_byte_server server(ctx, 'c');
    ctx.poll();
    tcp::socket client(ctx);
    const auto code = [](const rill::system_error& e) { return e.code(); };
    // The sanitizer needs descriptors to see for the first time that such an object is what it is said to be.
    CHECK(code(rill::system_error(rill::error::no_descriptors)) == rill::error::no_descriptors);
    ctx.notify_fork(io_context::fork_prepare);
    const pid_t id = ::fork();
    if (id == 0)
        child_process::leave([&] {
            ::rlimit limit;
            ::getrlimit(RLIMIT_NOFILE, &limit);
            const ::rlimit none{0, limit.rlim_max};
            ::setrlimit(RLIMIT_NOFILE, &none);
            rill::error_code refused;
            try {
                ctx.notify_fork(io_context::fork_child);
            } catch (const rill::system_error& e) {
                refused = code(e);
            }
            ::setrlimit(RLIMIT_NOFILE, &limit);
            ctx.notify_fork(io_context::fork_child);
            return refused == rill::error::no_descriptors && run_until(ctx, [&] { return server.ended; }) &&
                           !server.error
                       ? 0
                       : 1;
        });
    child_process child(id);
    ctx.notify_fork(io_context::fork_parent);
    client.connect(server.acceptor.local_endpoint());
    server.acceptor.close();
    rill::write(client, rill::buffer("1", 1));
    CHECK(answer(client) == "c1");
    CHECK(child.exit_code() == 0);
}

#endif
