// SPDX-License-Identifier: BSL-1.0
#include <support/capabilities.hpp>

#if TEST_HAS_IO_URING

#include <rill/engine/driver/io_uring.hpp>

#include "rings.hpp"

#include <support/child_process.hpp>
#include <support/refuse_call.hpp>

#include <cerrno>
#include <deque>
#include <optional>
#include <sys/syscall.h>

using namespace rings;

// -- whether there are rings

namespace {

/// Whether a context that asks for io_uring works, and what it runs on.
std::string working_backend(int hint) {
    io_context io(rill::backend::io_uring, hint);
    bustle b(io);
    b.start();
    CHECK(runs_out(io));
    CHECK(b.succeeded());
    return io.backend_name();
}

}  // namespace

TEST_CASE("whoever asks for io_uring is told that it runs", "[engine][io_uring]") {
    if (have_rings())
        CHECK(working_backend(GENERATE(solo, shared)) == "io_uring");
}

TEST_CASE("a kernel that refuses any of io_uring's calls is not asked for it", "[engine][io_uring]") {
    const int code = GENERATE(ENOSYS, EPERM, ENOMEM, EAGAIN);
    const auto which = GENERATE(ring_tap::call::setup, ring_tap::call::enter, ring_tap::call::registering);
    if (!have_rings())
        return;
    const tapped tap;
    tap->fail(which, {0, ring_tap::for_ever, code});
    const auto refused = rill::engine::try_ring().refused;
    CHECK(tap->count(which) > 0);
    if (which == ring_tap::call::registering)
        CHECK(refused == error::operation_not_supported);  // it cannot say what it knows
    else
        CHECK(refused.value() == code);
}

TEST_CASE("a context runs on epoll where its ring is refused", "[engine][io_uring]") {
    const int code = GENERATE(ENOSYS, EPERM, ENOMEM, EAGAIN, EMFILE);
    const int hint = GENERATE(solo, shared);
    if (!have_rings())
        return;
    const tapped tap;
    tap->fail(ring_tap::call::setup, {0, ring_tap::for_ever, code});
    CHECK(working_backend(hint) == "epoll");
    CHECK(tap->count(ring_tap::call::setup) == 1);
}

TEST_CASE("a kernel that had no memory or descriptors for the first ring is asked again", "[engine][io_uring]") {
    const int code = GENERATE(ENOMEM, EMFILE, ENFILE, EAGAIN);
    if (!have_rings())
        return;
    const tapped tap;
    rill::engine::ring_trial trial;
    tap->fail(ring_tap::call::setup, {0, 1, code});
    CHECK(trial.result().refused.value() == code);
    CHECK(!trial.result().refused);
    const int calls = tap->count(ring_tap::call::setup);
    CHECK(!trial.result().refused);
    CHECK(tap->count(ring_tap::call::setup) == calls);
}

TEST_CASE("a kernel that refuses rings for good is asked once", "[engine][io_uring]") {
    const int code = GENERATE(ENOSYS, EPERM);
    if (!have_rings())
        return;
    const tapped tap;
    rill::engine::ring_trial trial;
    tap->fail(ring_tap::call::setup, {0, ring_tap::for_ever, code});
    CHECK(trial.result().refused.value() == code);
    CHECK(trial.result().refused.value() == code);
    CHECK(tap->count(ring_tap::call::setup) == 1);
}

TEST_CASE("a ring does without what it cannot register", "[engine][io_uring]") {
    const int code = GENERATE(EPERM, ENOMEM, EINVAL);
    if (!have_rings())
        return;
    io_context io(rill::backend::io_uring, solo);
    const tapped tap;
    tap->fail(ring_tap::call::registering, {0, ring_tap::for_ever, code});
    for (int i = 0; i != 20; ++i) {  // long enough for the ring to be remembered
        bustle b(io);
        b.start();
        CHECK(runs_out(io));
        CHECK(b.succeeded());
    }
}

TEST_CASE("a filter of system calls makes it epoll, with no error", "[engine][io_uring]") {
    const long number = GENERATE(long{__NR_io_uring_setup}, long{__NR_io_uring_enter});
    const int code = GENERATE(ENOSYS, EPERM);
    child_process child(child_process::run([&] {
        if (!refuse_call(number, code))
            return 10;
        if (rill::engine::try_ring().refused.value() != code && !rill::engine::tried_ring().refused)
            return 11;
        if (number == __NR_io_uring_enter)
            return 0;  // this process has tried before, and a context made now is refused later: see below
        io_context io(rill::backend::io_uring);
        int answered = 0;
        local_pair pair(io);
        char data[4];
        pair.first.async_read_some(buffer(data), [&](error_code ec, std::size_t n) { answered += !ec && n == 3; });
        pair.second.async_write_some(buffer("abc", 3),
                                     [&](error_code ec, std::size_t n) { answered += !ec && n == 3; });
        io.run_for(10s);
        return io.backend_name() == std::string("epoll") && answered == 2 ? 0 : 12;
    }));
    const int ended = child.exit_code();
    if (ended == 10)
        WARN("not run: this machine has no filters of system calls");
    else
        CHECK(ended == 0);
}

TEST_CASE("RILL_IO_URING with a word that is none is an error that names it", "[engine][io_uring]") {
    const std::string wrong =
        GENERATE("newest", "entries=", "entries=0", "entries=2x", "entries=-1", "oldest,x", "polled=a");
    const environment_variable variable("RILL_IO_URING", wrong.c_str());
    try {
        io_context io(rill::backend::io_uring);
        FAIL("nothing was thrown");
    } catch (const rill::system_error& e) {
        CHECK(e.code() == error::invalid_argument);
        const std::string what = e.what();
        CHECK(what.find("RILL_IO_URING has '" + wrong.substr(wrong.find(',') + 1) + "'") != std::string::npos);
        CHECK(what.find("oldest, pinned, entries=N") != std::string::npos);
    }
}

TEST_CASE("RILL_IO_URING says how rings are made", "[engine][io_uring]") {
    const environment_variable variable("RILL_IO_URING", "oldest,entries=3,pinned,polled=7");
    const auto wishes = rill::engine::read_ring_wishes();
    CHECK(wishes.oldest);
    CHECK(wishes.pinned);
    CHECK(wishes.entries == 3);
    CHECK(wishes.idle_ms == 7);
}

// -- calls that fail

TEST_CASE("whichever call the kernel has no memory for, nothing is lost", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", GENERATE("", "oldest,entries=2"));
    const int hint = GENERATE(solo, shared);
    const auto [code, in_a_row] = GENERATE(std::pair(EAGAIN, 3), std::pair(EBUSY, 1), std::pair(EINTR, 1),
                                           std::pair(EINTR, 3), std::pair(ENOMEM, 1));
    int calls = 1;
    for (int n = 0; n < calls; ++n) {
        CAPTURE(std::getenv("RILL_IO_URING"), hint, code, in_a_row, n);
        io_context io(rill::backend::io_uring, hint);
        bustle b(io);
        const tapped tap;
        tap->fail(ring_tap::call::enter, {n, n + in_a_row, code});
        b.start();
        REQUIRE(runs_out(io));
        REQUIRE(b.succeeded());
        calls = std::min(tap->count(ring_tap::call::enter) - in_a_row, 40);
    }
}

TEST_CASE("a kernel that refuses every other call is lived with", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    const int hint = GENERATE(solo, shared);
    const int code = GENERATE(EAGAIN, EBUSY, EINTR, ENOMEM);
    io_context io(rill::backend::io_uring, hint);
    bustle b(io);
    const tapped tap;
    tap->fail(ring_tap::call::enter, {0, ring_tap::for_ever, code, true});
    b.start();
    CHECK(runs_out(io));
    CHECK(b.succeeded());
}

TEST_CASE("while the kernel takes no entries it is not asked without pause", "[engine][io_uring]") {
    if (!have_rings())
        return;
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    local_pair pair(io);
    char data[4];
    int answered = 0;
    const tapped tap;
    tap->fail(ring_tap::call::enter, {0, ring_tap::for_ever, EAGAIN, true});  // it refuses entries, and waits
    pair.first.async_read_some(buffer(data), [&](error_code, std::size_t) { ++answered; });
    io.run_for(100ms);
    CHECK(answered == 0);
    CHECK(tap->count(ring_tap::call::enter) < 100);
    rill::write(pair.second, buffer("abc", 3));
    CHECK(runs_out(io));
    CHECK(answered == 1);
}

TEST_CASE("when the kernel refuses for good every operation is told so", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    const int hint = GENERATE(solo, shared);
    int calls = 1;
    bool was_told = false;
    for (int n = 0; n < calls; ++n) {
        CAPTURE(std::getenv("RILL_IO_URING"), hint, n);
        io_context io(rill::backend::io_uring, hint);
        bustle b(io);
        const tapped tap;
        tap->fail(ring_tap::call::enter, {n, ring_tap::for_ever, EPERM});
        b.start();
        REQUIRE(runs_out(io));
        REQUIRE(b.is_over());
        CHECK((!b.first_error || b.first_error == error_code(EPERM, boost::system::system_category()) ||
               b.first_error == error::eof));
        was_told = was_told || b.first_error.value() == EPERM;
        if (n == 0) {  // how many there are when none is refused
            io_context undisturbed(rill::backend::io_uring, hint);
            bustle other(undisturbed);
            the_ring_tap().start();
            other.start();
            REQUIRE(runs_out(undisturbed));
            calls = std::min(tap->count(ring_tap::call::enter), 40);
        }
    }
    CHECK(was_told);
}

TEST_CASE("a context whose ring has gone still has its timers and posted functions, and does not spin",
          "[engine][io_uring]") {
    if (!have_rings())
        return;
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    local_pair pair(io);
    char data[4];
    error_code read, later, timer_ec(EDOM, boost::system::system_category());
    const tapped tap;
    tap->fail(ring_tap::call::enter, {0, ring_tap::for_ever, EPERM});
    pair.first.async_read_some(buffer(data), [&](error_code ec, std::size_t) { read = ec; });
    CHECK(runs_out(io));
    CHECK(read.value() == EPERM);

    const int calls = tap->count(ring_tap::call::enter);
    rill::steady_timer timer(io, 30ms);
    int turns = 0;
    timer.async_wait([&](error_code ec) { timer_ec = ec; });
    io.restart();
    const auto end = std::chrono::steady_clock::now() + 20s;
    for (; !io.stopped() && std::chrono::steady_clock::now() < end; ++turns)
        io.run_one_for(1s);
    CHECK_FALSE(timer_ec);
    CHECK(turns < 10);
    CHECK(tap->count(ring_tap::call::enter) - calls < 10);

    pair.first.async_read_some(buffer(data), [&](error_code ec, std::size_t) { later = ec; });
    CHECK(runs_out(io));
    CHECK(later.value() == EPERM);
}

TEST_CASE("what the kernel has done before it refuses for good is not lost", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const int hint = GENERATE(solo, shared);
    const bool is_ahead = GENERATE(false, true);
    CAPTURE(hint, is_ahead);
    const auto descriptors = open_descriptors();
    {
        io_context io(rill::backend::io_uring, hint);
        tcp::acceptor acceptor(io, any_port());
        local_pair pair(io);
        if (is_ahead) {
            acceptor.accept_ahead();
            pair.first.receive_ahead();
        }
        error_code accept_ec(EDOM, boost::system::system_category()), read_ec = accept_ec;
        std::size_t size = 0;
        char data[4];
        std::optional<tcp::socket> accepted;
        acceptor.async_accept([&](error_code ec, tcp::socket s) {
            accept_ec = ec;
            accepted.emplace(std::move(s));
        });
        pair.first.async_read_some(buffer(data), [&](error_code ec, std::size_t n) {
            read_ec = ec;
            size = n;
        });
        io.poll();  // the kernel has them

        std::deque<tcp::socket> clients;
        const tapped tap;
        tap->before_enter([&] {
            while (clients.size() != 3)
                clients.emplace_back(io).connect(acceptor.local_endpoint());
            rill::write(pair.second, buffer("abc", 3));
        });
        tap->fail(ring_tap::call::enter, {0, ring_tap::for_ever, EPERM});
        CHECK(runs_out(io));
        CHECK_FALSE(accept_ec);
        CHECK_FALSE(read_ec);
        CHECK(size == 3);
    }
    CHECK(open_descriptors() == descriptors);
}

TEST_CASE("the entry that tells of wake-ups may fail", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", GENERATE("", "oldest", "pinned"));
    const int code = GENERATE(ECANCELED, EINTR, ENOMEM, EAGAIN);
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    bustle b(io);
    int failures = 5;
    const tapped tap([&](::io_uring_sqe& e) -> std::optional<int> {
        if (ring_tap::is_request(e) || e.opcode != IORING_OP_POLL_ADD || failures == 0)
            return {};
        --failures;
        return -code;
    });
    b.start();
    CHECK(runs_out(io));
    CHECK(b.succeeded());
    CHECK(failures < 5);
}

// -- queues that are full

TEST_CASE("more requests than the ring has places for all go in", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", any_wish());
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    constexpr int many = 700;
    rill::ip::tcp::acceptor acceptor(io, any_port());
    int answered = 0, aborted = 0;
    const auto count = [&](error_code ec, tcp::socket) {
        ++answered;
        aborted += ec == error::operation_aborted;
    };
    for (int i = 0; i != many; ++i)
        acceptor.async_accept(count);
    SECTION("cancelled at once") { acceptor.cancel(); }
    SECTION("cancelled from inside") {
        io.poll();
        io.get_executor().execute([&] { acceptor.cancel(); });
    }
    SECTION("closed") {
        io.poll();
        acceptor.close();
    }
    CHECK(runs_out(io));
    CHECK(answered == many);
    CHECK(aborted == many);
}

TEST_CASE("what overflows the queue of completions is not lost", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING",
                                    GENERATE("entries=2", "oldest,entries=2", "pinned,entries=2", "entries=1"));
    io_context io(rill::backend::io_uring, GENERATE(solo, shared));
    constexpr int many = 200;
    std::deque<local_pair> pairs;
    std::vector<char> data(many);
    int answered = 0, right = 0;
    for (int i = 0; i != many; ++i) {
        auto& p = pairs.emplace_back(io);
        p.first.async_read_some(buffer(&data[static_cast<std::size_t>(i)], 1), [&](error_code ec, std::size_t n) {
            ++answered;
            right += !ec && n == 1;
        });
    }
    io.poll();
    CHECK(answered == 0);
    for (auto& p : pairs)
        rill::write(p.second, buffer("x", 1));
    CHECK(runs_out(io));
    CHECK(answered == many);
    CHECK(right == many);
}

// -- how many calls

namespace {

/// Counts the turns of a loop.
class turn_counter final : public rill::engine::driver {
    using registration = rill::engine::registration;
    using request = rill::engine::request;
    using task_queue = rill::engine::task_queue;

public:
    turn_counter(std::unique_ptr<driver> real, int& turns) : real_(std::move(real)), turns_(turns) {}
    const char* name() const noexcept override { return real_->name(); }
    registration* attach(rill::engine::native_handle handle, error_code& ec) noexcept override {
        return real_->attach(handle, ec);
    }
    void detach(registration& r, bool closing, task_queue& ready) noexcept override {
        real_->detach(r, closing, ready);
    }
    void start(request& q, task_queue& ready) noexcept override { real_->start(q, ready); }
    void cancel(request& q, task_queue& ready) noexcept override { real_->cancel(q, ready); }
    void cancel_all(registration& r, task_queue& ready) noexcept override { real_->cancel_all(r, ready); }
    void wait(rill::engine::wait_limit limit, task_queue& ready) noexcept override {
        ++turns_;
        real_->wait(limit, ready);
    }
    void wake() noexcept override { real_->wake(); }
    void leave() noexcept override { real_->leave(); }
    void shut_down(task_queue& ready) noexcept override { real_->shut_down(ready); }

private:
    const std::unique_ptr<driver> real_;
    int& turns_;
};

constexpr int echo_rounds = 100;

/// Asks and is answered, both ends on the same loop.
struct echo {
    echo(io_context& c, int& echoing) : context(c), ends(c), left(echoing) {}
    void ask() {
        ends.first.async_write_some(buffer(data, 64), [](error_code, std::size_t) {});
        ends.first.async_read_some(buffer(data), [this](error_code ec, std::size_t) {
            if (!ec && ++done != echo_rounds)
                ask();
            else if (--left == 0)
                context.stop();
        });
    }
    void answer() {
        ends.second.async_read_some(buffer(heard), [this](error_code ec, std::size_t n) {
            if (ec)
                return;
            ends.second.async_write_some(buffer(heard, n), [](error_code, std::size_t) {});
            answer();
        });
    }
    io_context& context;
    tcp_pair ends;
    int& left;
    char data[64]{}, heard[64]{};
    int done = 0;
};

}  // namespace

TEST_CASE("a turn of the loop calls the kernel once at most", "[engine][io_uring]") {
    if (!have_rings())
        return;
    const environment_variable wish("RILL_IO_URING", GENERATE("", "oldest", "entries=64"));
    const int hint = GENERATE(solo, shared);
    int turns = 0;
    io_context io(std::make_unique<turn_counter>(
                      rill::engine::make_driver(rill::backend::io_uring, rill::engine::mode_for(hint)), turns),
                  hint);
    constexpr int pairs = 64;
    int left = pairs;
    std::deque<echo> all;
    for (int i = 0; i != pairs; ++i)
        all.emplace_back(io, left);
    for (int lap = 0; lap != 2; ++lap) {
        const tapped tap;
        turns = 0;
        for (auto& e : all) {
            if (lap == 0)
                e.answer();
            e.done = 0;
            e.ask();
        }
        left = pairs;
        const int before = tap->count(ring_tap::call::enter);  // while more was started than there are places
        io.restart();
        io.run_for(60s);
        CHECK(left == 0);
        const int calls = tap->count(ring_tap::call::enter) - before;
        constexpr int requests = 4 * pairs * echo_rounds;
        CHECK(tap->requests() > requests / 2);
        CHECK(calls <= turns + (std::string_view(std::getenv("RILL_IO_URING")) == "entries=64" ? turns : 0));
        CHECK(calls < requests / 20);
    }
}

#endif
