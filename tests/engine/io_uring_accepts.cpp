// SPDX-License-Identifier: BSL-1.0
#include <support/capabilities.hpp>

#if TEST_HAS_IO_URING

#include <rill/engine/driver/io_uring.hpp>

#include "rings.hpp"

#include <rill/context/executor_work_guard.hpp>
#include <rill/token/post.hpp>

#include <support/child_process.hpp>
#include <support/few_descriptors.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <linux/io_uring.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace rings;

namespace {

/// A connection of the system's own, to whom the server will send one byte.
class client {
public:
    client() : handle_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const ::timeval limit{20, 0};
        ::setsockopt(handle_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    }
    explicit client(const tcp::endpoint& to) : client() { connect(to); }
    client(const client&) = delete;
    ~client() { ::close(handle_); }

    bool connect(const tcp::endpoint& to) const {
        return ::connect(handle_, to.data(), static_cast<::socklen_t>(to.size())) == 0;
    }
    tcp::endpoint address() const {
        tcp::endpoint at;
        auto size = static_cast<::socklen_t>(at.capacity());
        ::getsockname(handle_, at.data(), &size);
        at.resize(size);
        return at;
    }
    /// Waits for it.
    bool was_served() const {
        char c;
        return ::recv(handle_, &c, 1, 0) == 1;
    }

private:
    int handle_;
};

/// Accepts one connection after the other.
struct server {
    explicit server(io_context& io) : acceptor(io, any_port()) {}

    void accept() {
        acceptor.async_accept(peer, [this](error_code ec, tcp::socket s) {
            last_error = ec;
            if (!ec) {
                peers.push_back(peer);
                rill::write(s, buffer("x", 1), ec);
            }
            ++completed;
            if (goes_on && (!last_error || last_error == error::operation_aborted))
                accept();
        });
    }

    tcp::acceptor acceptor;
    tcp::endpoint peer;
    std::vector<tcp::endpoint> peers;
    std::atomic<bool> goes_on{true};
    int completed = 0;
    error_code last_error;
};

/// Of each accept that the kernel is given: whether it tries before it waits.
class tries {
public:
    bool has(std::initializer_list<bool> wanted) const { return std::vector<bool>(wanted) == seen_; }
    std::size_t count() const { return seen_.size(); }

private:
    std::vector<bool> seen_;
    tapped tap_{[this](::io_uring_sqe& e) -> std::optional<int> {
        if (e.opcode == IORING_OP_ACCEPT)
            seen_.push_back((e.ioprio & rill::engine::system::ring_constant::accept_poll_first) == 0);
        return {};
    }};
};

bool waits_first() { return rill::engine::tried_ring().accepts_later; }

}  // namespace

TEST_CASE("an accept does not try before it waits, behind one that took the last connection", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const std::string words = GENERATE("", "oldest", "pinned", "entries=2");
    const environment_variable wish("RILL_IO_URING", words.c_str());
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    server s(io);
    const tcp::endpoint at = s.acceptor.local_endpoint();
    const client first(at), second(at);
    const tries seen;
    s.accept();
    REQUIRE(run_until(io, [&] { return s.completed == 2; }));
    io.poll();
    const bool tries_in_vain = words == "oldest" || !waits_first();
    CHECK(seen.has({true, true, tries_in_vain}));

    const client third(at);
    REQUIRE(run_until(io, [&] { return s.completed == 3; }));
    io.poll();
    s.goes_on = false;
    s.acceptor.cancel();
    CHECK(runs_out(io));
    CHECK(s.last_error == error::operation_aborted);
    // One that comes while no accept waits finds the next one that is started.
    const client fourth(at);
    s.accept();
    CHECK(runs_out(io));
    CHECK_FALSE(s.last_error);
    CHECK(seen.has({true, true, tries_in_vain, tries_in_vain, tries_in_vain}));
    CHECK(s.peers == std::vector{first.address(), second.address(), third.address(), fourth.address()});
    CHECK((first.was_served() && second.was_served() && third.was_served() && fourth.was_served()));
}

TEST_CASE("who accepts by themselves between asynchronous accepts gets what has come", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    server s(io);
    s.goes_on = false;
    const tcp::endpoint at = s.acceptor.local_endpoint();
    for (int i = 0; i != 3; ++i) {
        const client first(at), second(at), third(at);
        s.accept();
        REQUIRE(run_until(io, [&] { return s.completed == i + 1; }));
        CHECK(s.peers.back() == first.address());
        // The rest waits in the kernel's queue, for everybody.
        int ready = 0;
        s.acceptor.async_wait(tcp::acceptor::wait_read, [&](error_code ec) { ready += !ec; });
        CHECK(runs_out(io));
        CHECK(ready == 1);
        tcp::endpoint from;
        s.acceptor.accept(from);
        CHECK(from == second.address());
        const int last = ::accept(s.acceptor.native_handle(), nullptr, nullptr);
        CHECK(last >= 0);
        ::close(last);
        s.acceptor.non_blocking(true);
        error_code ec;
        s.acceptor.accept(ec);
        CHECK(ec == error::would_block);
        s.acceptor.non_blocking(false);
    }
}

TEST_CASE("an accept that waits for a connection needs no descriptor until there is one", "[engine][io_uring]") {
    if (!have_rings() || !waits_first())
        return;
    const environment_variable wish("RILL_IO_URING", GENERATE("", "pinned", "entries=2"));
    const bool is_there_in_time = GENERATE(true, false);
    few_descriptors descriptors;
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    server s(io);
    const tcp::endpoint at = s.acceptor.local_endpoint();
    const client first(at), second, third;
    s.accept();
    REQUIRE(run_until(io, [&] { return s.completed == 1; }));
    int completed = 0;
    bool connected = false;
    {
        // Nothing is checked in here: to look at an object UndefinedBehaviorSanitizer needs a pipe.
        descriptors.exhaust();
        io.poll();
        completed = s.completed;
        if (is_there_in_time)
            descriptors.give_back();
        connected = second.connect(at);
        run_until(io, [&] { return s.completed == 2; });
        descriptors.give_back();
    }
    CHECK(completed == 1);
    CHECK(connected);
    CHECK(s.completed == 2);
    CHECK(s.last_error == (is_there_in_time ? error_code() : error_code(error::no_descriptors)));
    if (!is_there_in_time)
        s.accept();
    CHECK(third.connect(at));
    CHECK(run_until(io, [&] { return s.peers.size() == 3; }));
    CHECK((second.was_served() && third.was_served()));
}

TEST_CASE("accepts that wait first go on after a fork", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    server s(io);
    const tcp::endpoint at = s.acceptor.local_endpoint();
    const client before(at);
    s.accept();
    REQUIRE(run_until(io, [&] { return s.completed == 1; }));
    io.notify_fork(io_context::fork_prepare);
    const pid_t id = ::fork();
    if (id == 0)
        child_process::leave([&] {
            io.notify_fork(io_context::fork_child);
            const client mine(at);
            return run_until(io, [&] { return s.completed == 2; }) && s.peers.back() == mine.address() ? 0 : 1;
        });
    child_process child(id);
    CHECK(child.exit_code() == 0);
    io.notify_fork(io_context::fork_parent);
    const client after(at);
    CHECK(run_until(io, [&] { return s.completed == 2; }));
    CHECK(s.peers.back() == after.address());
}

TEST_CASE("no connection is lost and no descriptor leaks while accepts are cancelled and rings change",
          "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    const int hint = GENERATE(solo, shared);
    std::optional<io_context> io(std::in_place, rill::backend::io_uring, hint);
    const auto descriptors = open_descriptors();
    constexpr int rounds = 150, at_once = 3;
    std::atomic<int> served{0}, finished{0};
    std::optional<server> s(std::in_place, *io);
    const tcp::endpoint at = s->acceptor.local_endpoint();
    auto work = rill::make_work_guard(*io);
    s->accept();
    std::thread runner([&] {
        // The ring is changed, if it is, after a number of waits and at the end of each.
        while (!io->stopped())
            io->run_for(20ms);
    });
    std::vector<std::thread> connecting;
    for (int i = 0; i != 2; ++i)
        connecting.emplace_back([&] {
            for (int round = 0; round != rounds; ++round) {
                const client all[at_once] = {client(at), client(at), client(at)};
                for (const client& c : all)
                    served += c.was_served();
            }
            ++finished;
        });
    std::atomic<bool> is_cancelled{true}, is_over{false};
    while (finished != 2)
        if (is_cancelled.exchange(false))
            rill::post(*io, [&] {
                s->acceptor.cancel();
                is_cancelled = true;
            });
        else
            std::this_thread::yield();
    for (auto& t : connecting)
        t.join();
    rill::post(*io, [&] {
        s->goes_on = false;
        s->acceptor.close();
        is_over = true;
    });
    CHECK(soon([&] { return is_over.load(); }));
    work.reset();
    io->stop();
    runner.join();
    CHECK(served == 2 * rounds * at_once);
    CHECK(runs_out(*io));
    s.reset();
    CHECK(open_descriptors() == descriptors);
}

TEST_CASE("what ends an accept while connections come keeps none of them", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    const int hint = GENERATE(solo, shared);
    enum class end { context, acceptor, close_elsewhere };
    const end first_to_go = GENERATE(end::context, end::acceptor, end::close_elsewhere);
    const auto descriptors = open_descriptors();
    for (int i = 0; i != 20; ++i) {
        std::optional<io_context> io(std::in_place, rill::backend::io_uring, hint);
        std::optional<server> s(std::in_place, *io);
        const tcp::endpoint at = s->acceptor.local_endpoint();
        const client first(at);
        s->accept();
        REQUIRE(run_until(*io, [&] { return s->completed == 1; }));
        io->poll();
        s->goes_on = false;
        if (first_to_go == end::close_elsewhere) {
            std::thread runner([&] { io->run(); });
            const client second(at), third(at);
            s->acceptor.close();
            runner.join();
            CHECK(s->completed == 2);
            CHECK_FALSE(third.was_served());
        } else {
            const client second(at), third(at);
            if (first_to_go == end::context)
                io.reset();
            s.reset();
            io.reset();
            CHECK_FALSE(second.was_served());
            CHECK_FALSE(third.was_served());
        }
    }
    CHECK(open_descriptors() == descriptors);
}

#endif
