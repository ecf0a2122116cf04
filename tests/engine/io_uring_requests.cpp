// SPDX-License-Identifier: BSL-1.0
#include <support/capabilities.hpp>

#if TEST_HAS_IO_URING

#include <rill/engine/driver/io_uring.hpp>

#include <rill/token/bind_cancellation_slot.hpp>

#include "rings.hpp"

#include <rill/context/executor_work_guard.hpp>
#include <rill/token/post.hpp>

#include <support/child_process.hpp>
#include <support/refuse_call.hpp>
#include <support/soon.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

using namespace rings;

namespace {

/// What one operation has come to.
struct outcome {
    int calls = 0;
    error_code ec;
    std::size_t bytes = 0;
    auto handler() {
        return [this](error_code e, std::size_t n = 0) {
            ++calls;
            ec = e;
            bytes = n;
        };
    }
    bool succeeded(std::size_t n = 0) const { return calls == 1 && !ec && bytes == n; }
};

/// A socket of the system's own, without the library.
class plain_socket {
public:
    explicit plain_socket(int handle) : handle_(handle) {}
    plain_socket(const plain_socket&) = delete;
    ~plain_socket() { ::close(handle_); }
    int get() const { return handle_; }
    bool connect(const tcp::endpoint& to) const {
        return ::connect(handle_, to.data(), static_cast<::socklen_t>(to.size())) == 0;
    }
    void send(std::string_view text) const {
        CHECK(::send(handle_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<::ssize_t>(text.size()));
    }
    std::string receive() const {
        char data[64];
        const ::ssize_t n = ::recv(handle_, data, sizeof(data), MSG_DONTWAIT);
        return std::string(data, n > 0 ? static_cast<std::size_t>(n) : 0);
    }

private:
    int handle_;
};

int plain_tcp() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

}  // namespace

// -- threads that end

TEST_CASE("requests of a thread that has ended are started anew", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", GENERATE("", "oldest"));
    const int hint = GENERATE(solo, shared);
    io_context io(rill::backend::io_uring, hint);

    local_pair reading(io), gathering(io), waiting(io);
    tcp_pair urgent(io), full(io);
    tcp::acceptor acceptor(io, any_port()), crowded(io);
    tcp::socket accepted(io), connecting(io);
    // A listener whose queue is full answers no more connections.
    crowded.open(tcp::v4());
    crowded.bind(any_port());
    crowded.listen(0);
    const plain_socket first(plain_tcp()), late(plain_tcp());
    REQUIRE(first.connect(crowded.local_endpoint()));
    std::string much(1 << 22, 'm');
    full.first.non_blocking(true);
    error_code ec;
    while (!ec)
        full.first.write_some(buffer(much), ec);

    outcome read, gather, wait, urgent_wait, write, accept, connect;
    char data[4], parts[2][2];
    const tapped tap;
    std::thread submitter([&] {
        reading.first.async_read_some(buffer(data), read.handler());
        gathering.first.async_read_some(std::array{buffer(parts[0]), buffer(parts[1])}, gather.handler());
        waiting.first.async_wait(local::socket::wait_read, wait.handler());
        urgent.first.async_wait(tcp::socket::wait_error, urgent_wait.handler());
        rill::async_write(full.first, buffer("end", 3), write.handler());
        acceptor.async_accept(accepted, accept.handler());
        connecting.async_connect(crowded.local_endpoint(), connect.handler());
        io.poll();
    });
    submitter.join();
    const int requests = tap->requests();
    io.restart();
    io.poll();
    CHECK(read.calls + gather.calls + wait.calls + urgent_wait.calls + accept.calls == 0);

    rill::write(reading.second, buffer("abc", 3));
    rill::write(gathering.second, buffer("abc", 3));
    rill::write(waiting.second, buffer("abc", 3));
    urgent.second.send(buffer("!", 1), tcp::socket::message_out_of_band);
    CHECK(late.connect(acceptor.local_endpoint()));
    std::thread drainer([&] {
        for (std::string got; !got.ends_with("end");) {
            const ::ssize_t n = ::read(full.second.native_handle(), much.data(), much.size());
            if (n <= 0)
                break;
            got = (got + much.substr(0, static_cast<std::size_t>(n)));
            got.erase(0, got.size() < 3 ? 0 : got.size() - 3);
        }
    });
    std::vector<tcp::socket> served;
    served.push_back(crowded.accept());
    CHECK(runs_out(io));
    drainer.join();
    CHECK(tap->requests() >= requests + 5);  // the kernel did give them back, with what would have ended them
    CHECK(read.succeeded(3));
    CHECK(gather.succeeded(3));
    CHECK(wait.succeeded());
    CHECK(urgent_wait.succeeded());
    CHECK(write.succeeded(3));
    CHECK(accept.succeeded());
    CHECK(connect.succeeded());
    CHECK(accepted.is_open());
    served.push_back(crowded.accept());
    rill::write(connecting, buffer("abc", 3));
    CHECK(rill::read(served.back(), buffer(data, 3)) == 3);
}

TEST_CASE("threads that start operations and end, while another runs the context", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    constexpr int many = 24;
    std::deque<local_pair> pairs;
    std::vector<char> data(many);
    std::atomic<int> answered{0}, right{0};
    for (int i = 0; i != many; ++i)
        pairs.emplace_back(io);
    auto work = rill::make_work_guard(io);
    std::thread runner([&] { io.run(); });
    for (std::size_t i = 0; i != many; ++i) {
        std::thread([&, i] {
            pairs[i].first.async_read_some(buffer(&data[i], 1), [&](error_code ec, std::size_t n) {
                right += !ec && n == 1;
                ++answered;
            });
        }).join();
    }
    for (auto& p : pairs)
        rill::write(p.second, buffer("x", 1));
    CHECK(soon([&] { return answered == many; }));
    work.reset();
    io.stop();
    runner.join();
    CHECK(right == many);
}

TEST_CASE("what completes while a loop changes to the ring of its thread is not waited for", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", "pinned");
    char data[2][4]{};
    io_context io(rill::backend::io_uring, solo);
    tcp_pair pair(io);
    const int ends[2] = {pair.first.native_handle(), pair.second.native_handle()};
    int left = 500;
    // One message that goes back and forth: when it is not noticed, all stands still.
    struct player {
        void play() {
            from->async_read_some(buffer(*data), [this](error_code ec, std::size_t n) {
                if (ec || --*left <= 0)
                    return context->stop();
                play();
                from->async_write_some(buffer(*data, n), [](error_code, std::size_t) {});
            });
        }
        io_context* context;
        tcp::socket* from;
        char (*data)[4];
        int* left;
    };
    player first{&io, &pair.first, &data[0], &left}, second{&io, &pair.second, &data[1], &left};
    first.play();
    second.play();
    // Of the reads that are taken out of the old ring the one that has something to come stays, and so is answered.
    std::map<std::uint64_t, int> reads;
    int receives_next = -1, kept = 0;
    const tapped tap([&](::io_uring_sqe& e) -> std::optional<int> {
        if (e.opcode == IORING_OP_RECV)
            reads[e.user_data] = e.fd;
        if (e.opcode == IORING_OP_SEND)
            receives_next = e.fd == ends[0] ? ends[1] : ends[0];
        if (e.opcode != IORING_OP_ASYNC_CANCEL || kept != 0 || !reads.contains(e.addr) ||
            reads[e.addr] != receives_next)
            return {};
        ++kept;
        return -EALREADY;
    });
    pair.first.async_write_some(buffer("abc", 3), [](error_code, std::size_t) {});
    io.run_for(20s);
    CHECK(left == 0);
    CHECK(kept == 1);
}

// -- order

namespace {

/// Many writes and reads of all sizes, started at once.
template <class Pair>
void check_order(int hint, int threads) {
    io_context io(rill::backend::io_uring, hint);
    Pair pair(io);
    std::mt19937 random(7);
    constexpr int writes = 200, most = 3000;
    struct part {
        std::string data;
        std::size_t moved = 0;
    };
    std::vector<part> sent(writes), received(2 * writes);
    char next = 0;
    for (auto& p : sent) {
        p.data.resize(random() % most + 1);
        for (char& c : p.data)
            c = next++;
    }
    for (auto& p : received)
        p.data.resize(random() % most + 1);
    // All that moves has to do so with these reads: the writer closes behind the last write.
    std::atomic<int> left{writes};
    for (auto& p : received)
        pair.second.async_read_some(buffer(p.data), [&p](error_code, std::size_t n) { p.moved = n; });
    for (auto& p : sent)
        pair.first.async_write_some(buffer(p.data), [&](error_code, std::size_t n) {
            p.moved = n;
            if (--left == 0)
                pair.first.shutdown(tcp::socket::shutdown_send);
        });
    std::vector<std::thread> runners;
    for (int i = 1; i < threads; ++i)
        runners.emplace_back([&] { io.run_for(20s); });
    CHECK(runs_out(io));
    for (auto& t : runners)
        t.join();
    std::string in, out;
    for (const auto& p : sent)
        in += p.data.substr(0, p.moved);
    for (const auto& p : received)
        out += p.data.substr(0, p.moved);
    CHECK(out.size() > writes);
    CHECK(in.starts_with(out));
}

}  // namespace

TEST_CASE("the bytes of a stream keep their order, however many reads and writes wait", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    const int threads = GENERATE(0, 1, 3);  // none: a loop of one thread's own
    const int hint = threads == 0 ? solo : 3;
    SECTION("tcp") { check_order<tcp_pair>(hint, threads); }
    SECTION("local") { check_order<local_pair>(hint, threads); }
}

TEST_CASE("a short transfer is told as such, and composed ones go on", "[engine][io_uring]") {
    if (!have_rings())
        return;
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    local_pair pair(io);
    // Each entry moves one byte, whatever is asked.
    const tapped tap([](::io_uring_sqe& e) -> std::optional<int> {
        if (e.opcode == IORING_OP_SENDMSG || e.opcode == IORING_OP_RECVMSG) {
            const auto* message = reinterpret_cast<const ::msghdr*>(static_cast<std::uintptr_t>(e.addr));
            e.opcode = e.opcode == IORING_OP_SENDMSG ? IORING_OP_SEND : IORING_OP_RECV;
            e.addr = reinterpret_cast<std::uintptr_t>(message->msg_iov->iov_base);
            e.len = 1;
        } else if (e.opcode == IORING_OP_SEND || e.opcode == IORING_OP_RECV) {
            e.len = 1;
        }
        return {};
    });
    outcome write, read, some;
    std::string text(300, ' '), heard(300, ' ');
    for (std::size_t i = 0; i != text.size(); ++i)
        text[i] = static_cast<char>(i);
    rill::async_write(pair.first, std::array{buffer(text.data(), 100), buffer(text.data() + 100, 200)},
                      write.handler());
    rill::async_read(pair.second, std::array{buffer(heard.data(), 7), buffer(heard.data() + 7, 293)}, read.handler());
    CHECK(runs_out(io));
    CHECK(write.succeeded(300));
    CHECK(read.succeeded(300));
    CHECK(heard == text);
    pair.first.async_write_some(buffer(text), some.handler());
    CHECK(runs_out(io));
    CHECK((some.succeeded(1) || some.succeeded(300)));  // the second: it was tried without the ring
}

// -- a thread of the kernel's that submits

TEST_CASE("all works with a thread of the kernel's that submits", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", "polled=1");
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    for (int i = 0; i != 5; ++i) {
        bustle b(io);
        b.start();
        CHECK(runs_out(io));
        CHECK(b.succeeded());
    }
}

TEST_CASE("what arrives after a cancellation is for the next, also where the kernel's thread submits",
          "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", "polled=1");
    const bool one_only = GENERATE(true, false);
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    local_pair pair(io);
    for (int i = 0; i != 100; ++i) {
        rill::cancellation_signal stop;
        char data[2];
        int aborted = 0, received = 0;
        pair.first.async_read_some(buffer(data),
                                   rill::bind_cancellation_slot(stop.slot(), [&](error_code ec, std::size_t) {
                                       aborted += ec == error::operation_aborted;
                                   }));
        io.restart();
        if (i % 2)
            io.poll();
        if (one_only)
            stop.emit(rill::cancellation_type::total);
        else
            pair.first.cancel();
        rill::write(pair.second, buffer("x", 1));
        pair.first.async_read_some(buffer(data), [&](error_code ec, std::size_t n) { received += !ec && n == 1; });
        REQUIRE(run_until(io, [&] { return aborted + received == 2; }));
        CHECK(aborted == 1);
        CHECK(received == 1);
    }
}

// -- memory

TEST_CASE("the kernel writes into no buffer of an operation that has ended", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    std::optional<io_context> io(std::in_place, rill::backend::io_uring, GENERATE(solo, shared));
    constexpr std::size_t many = 40;
    std::deque<tcp_pair> pairs;
    std::vector<std::unique_ptr<plain_socket>> files;  // of the readers: their own close does not end them
    std::string data(many * 16, '.');
    int ended = 0, aborted = 0;
    for (std::size_t i = 0; i != many; ++i) {
        auto& p = pairs.emplace_back(*io);
        files.push_back(std::make_unique<plain_socket>(::dup(p.first.native_handle())));
        p.first.async_read_some(buffer(&data[i * 16], 16), [&](error_code ec, std::size_t) {
            ++ended;
            aborted += ec == error::operation_aborted;
        });
    }
    io->poll();
    bool is_readable_then = true;
    int expected = many;
    SECTION("its context is destroyed") {
        // Whether the kernel would write after that depends on chance, and its version: it must have been told.
        std::size_t cancelled = 0;
        const tapped tap([&](::io_uring_sqe& e) -> std::optional<int> {
            cancelled += e.opcode == IORING_OP_ASYNC_CANCEL;
            return {};
        });
        io.reset();
        CHECK(cancelled >= many);
        expected = 0;
    }
    SECTION("it was cancelled") {
        for (auto& p : pairs)
            p.first.cancel();
        CHECK(runs_out(*io));
    }
    SECTION("its socket was closed") {
        for (auto& p : pairs)
            p.first.close();
        CHECK(runs_out(*io));
        is_readable_then = false;  // the peer may have seen the end
    }
    SECTION("the kernel has refused to go on") {
        const tapped tap;
        tap->fail(ring_tap::call::enter, {0, ring_tap::for_ever, EPERM});
        outcome last;
        char c;
        pairs.front().second.async_read_some(buffer(&c, 1), last.handler());
        CHECK(runs_out(*io));
        CHECK(last.ec.value() == EPERM);
        aborted = ended;
    }
    CHECK(ended == expected);
    CHECK(aborted == expected);
    data.assign(data.size(), '#');
    for (std::size_t i = 0; i != many; ++i) {
        const plain_socket peer(::dup(pairs[i].second.native_handle()));
        if (!is_readable_then) {
            static_cast<void>(::send(peer.get(), "late", 4, MSG_NOSIGNAL));
            continue;
        }
        peer.send("late");
        CHECK(files[i]->receive() == "late");
    }
    CHECK(data == std::string(data.size(), '#'));
}

// -- ends

TEST_CASE("a listener's port is free in the statement after its close, whoever closes it and whatever is going on",
          "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    const int hint = GENERATE(solo, shared);
    io_context io(rill::backend::io_uring, hint);
    auto work = rill::make_work_guard(io);
    // An address that no other process is given a port of meanwhile.
    const tcp::endpoint own(rill::ip::make_address_v4("127.77.0.1"), 0);
    std::optional<tcp::acceptor> acceptor(std::in_place, io, own, false);
    const tcp::endpoint endpoint = acceptor->local_endpoint();
    std::atomic<bool> is_busy{false};
    std::function<void()> be_busy = [&] {
        if (is_busy)
            rill::post(io, [&] { be_busy(); });
    };
    std::atomic<int> ended{0}, others{0};
    constexpr int rounds = 40;
    int refused = 0;
    const auto cycle = [&] {
        for (int i = 0; i != rounds && refused == 0; ++i) {
            for (int n = 0; n != 3; ++n)
                acceptor->async_accept([&](error_code ec, tcp::socket) {
                    others += ec != error::operation_aborted;
                    ++ended;
                });
            if (i % 3 == 1)
                acceptor->async_wait(tcp::acceptor::wait_read, [](error_code) {});
            if (i % 2)
                std::this_thread::yield();
            acceptor->close();
            acceptor->open(endpoint.protocol());
            error_code ec;
            acceptor->bind(endpoint, ec);
            refused += ec ? i + 1 : 0;
            if (!ec)
                acceptor->listen();
        }
    };
    std::thread runner([&] { io.run(); });
    SECTION("from outside") { cycle(); }
    SECTION("from outside, while handlers run without pause") {
        is_busy = true;
        rill::post(io, [&] { be_busy(); });
        cycle();
        is_busy = false;
    }
    SECTION("by the loop") {
        std::atomic<bool> is_done{false};
        io.get_executor().execute([&] {
            cycle();
            is_done = true;
        });
        CHECK(soon([&] { return is_done.load(); }));
    }
    CHECK((refused != 0 || soon([&] { return ended == 3 * rounds; })));
    acceptor->close();
    work.reset();
    runner.join();
    CAPTURE(std::getenv("RILL_IO_URING"), hint);
    CHECK(refused == 0);
    CHECK(others == 0);
}

TEST_CASE("a handle's number may be another file's as soon as it is closed", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    for (int i = 0; i != 20; ++i) {
        std::optional<local_pair> old(std::in_place, io);
        const int number = old->first.native_handle();
        char stolen[4] = {'.', '.', '.', '.'}, data[4];
        outcome read, other;
        old->first.async_read_some(buffer(stolen), read.handler());  // it is not with the kernel yet
        if (i % 2)
            io.poll();
        old->first.close();
        local_pair next(io);
        CHECK((next.first.native_handle() == number || next.second.native_handle() == number));
        next.first.async_read_some(buffer(data), other.handler());
        rill::write(next.second, buffer("abc", 3));
        CHECK(runs_out(io));
        CHECK(read.ec == error::operation_aborted);
        CHECK(other.succeeded(3));
        CHECK(std::string_view(stolen, 4) == "....");
    }
}

TEST_CASE("a filter that is one thread's alone ends the operations of all", "[engine][io_uring]") {
    if (!have_rings())
        return;
    child_process child(child_process::run([] {
        io_context io(rill::backend::io_uring, 2);
        auto work = rill::make_work_guard(io);
        local_pair pair(io), mine(io);
        char data[2][4];
        std::atomic<int> ended{0}, told{0};
        const auto count = [&](error_code ec, std::size_t) {
            told += ec.value() == EPERM;
            ++ended;
        };
        const tapped tap;
        std::thread runner([&] { io.run(); });
        if (!soon([&] { return tap->count(ring_tap::call::enter) != 0; }))
            return 2;  // the runner waits
        pair.first.async_read_some(buffer(data[0]), count);
        if (!refuse_call(__NR_io_uring_enter, EPERM))
            ::_exit(10);
        mine.first.async_read_some(buffer(data[1]), count);
        const bool all = soon([&] { return ended == 2; });
        work.reset();
        io.stop();
        runner.join();
        return all && told == 2 ? 0 : 1;
    }));
    const int ended = child.exit_code();
    if (ended == 10)
        WARN("not run: this machine has no filters of system calls");
    else
        CHECK(ended == 0);
}

// -- fork

TEST_CASE("a new process has a ring of its own, as soon as the kernel gives it one", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    char data[2][8];
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    int ends[2][2];
    for (auto& e : ends)
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, e) == 0);
    const plain_socket to_child(ends[0][1]), to_parent(ends[1][1]);
    // Each process has the requests of both.
    local::socket for_child(io, local(), ends[0][0]), for_parent(io, local(), ends[1][0]);
    outcome child_read, parent_read;
    for_child.async_read_some(buffer(data[0]), child_read.handler());
    for_parent.async_read_some(buffer(data[1]), parent_read.handler());
    io.poll();
    io.notify_fork(io_context::fork_prepare);
    const pid_t id = ::fork();
    if (id == 0)
        child_process::leave([&] {
            {
                const tapped tap;
                tap->fail(ring_tap::call::setup, {0, ring_tap::for_ever, ENOMEM});
                try {
                    io.notify_fork(io_context::fork_child);
                    return 1;
                } catch (const rill::system_error& e) {
                    if (e.code().value() != ENOMEM)
                        return 2;
                }
            }
            io.notify_fork(io_context::fork_child);
            if (io.backend_name() != std::string("io_uring"))
                return 3;
            to_child.send("child");
            if (!run_until(io, [&] { return child_read.calls != 0; }))
                return 4;
            return child_read.succeeded(5) && parent_read.calls == 0 ? 0 : 5;
        });
    child_process child(id);
    io.notify_fork(io_context::fork_parent);
    CHECK(child.exit_code() == 0);
    to_parent.send("parent");
    CHECK(run_until(io, [&] { return parent_read.calls != 0; }));
    CHECK(parent_read.succeeded(6));
    CHECK(child_read.calls == 0);
    CHECK(std::string_view(data[1], 6) == "parent");
}

#endif
