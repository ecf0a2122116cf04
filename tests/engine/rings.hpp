// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the tests of io_uring share. They name the backend themselves, whichever RILL_BACKEND is.

#include <rill/compose/read.hpp>
#include <rill/compose/write.hpp>
#include <rill/context/io_context.hpp>
#include <rill/engine/driver/ring_support.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/ip/tcp.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>

#include <support/catch.hpp>
#include <support/environment.hpp>
#include <support/ring_tap.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rings {

using namespace std::chrono_literals;
using rill::buffer;
using rill::error_code;
using rill::io_context;
using rill::ip::tcp;
using local = rill::local::stream_protocol;
namespace error = rill::error;

inline constexpr int solo = 1;
inline constexpr int shared = 2;

inline tcp::endpoint any_port() { return tcp::endpoint(rill::ip::address_v4::loopback(), 0); }

/// Whether the kernel lets this process use io_uring at all. If not it says so, and the test has nothing to test.
inline bool have_rings() {
    // Once: these tests choose the backend, and how its rings are made, themselves.
    const char* backend = std::getenv("RILL_BACKEND");
    if ((backend && *backend && backend != std::string_view("io_uring")) || std::getenv("RILL_IO_URING"))
        return false;
    const auto refused = rill::engine::tried_ring().refused;
    if (refused)
        WARN("not run: this machine refuses io_uring: " << refused.message());
    return !refused;
}

inline std::ptrdiff_t open_descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

/// How rings are made in a test: RILL_IO_URING.
inline const char* any_wish() { return GENERATE("", "oldest", "entries=2", "oldest,entries=2", "pinned"); }

/// Runs all handlers; false: some never came.
inline bool runs_out(io_context& io, std::chrono::seconds limit = 20s) {
    io.restart();
    io.run_for(limit);
    return io.stopped();
}

/// Runs handlers until @p done says so. False: it took for ever.
template <class Condition>
bool run_until(io_context& io, Condition done) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!done() && std::chrono::steady_clock::now() < end) {
        if (io.stopped())
            io.restart();
        io.run_one_for(50ms);
    }
    return done();
}

struct local_pair {
    explicit local_pair(io_context& io) : first(io), second(io) { rill::local::connect_pair(first, second); }
    local::socket first, second;
};

struct tcp_pair {
    explicit tcp_pair(io_context& io) : first(io), second(io) {
        tcp::acceptor acceptor(io, any_port());
        first.connect(acceptor.local_endpoint());
        acceptor.accept(second);
    }
    tcp::socket first, second;
};

/// One message that goes back and forth, and so gives the loop something to wait for.
class rally {
public:
    explicit rally(io_context& io) : pair_(io) {}
    void start() {
        play(pair_.first, data_[0]);
        play(pair_.second, data_[1]);
        pair_.first.async_write_some(buffer("r", 1), [](error_code, std::size_t) {});
    }
    /// Both ends have one read more to do.
    void stop() { goes_on_ = false; }
    int hits() const { return hits_; }

private:
    void play(local::socket& end, char& c) {
        end.async_read_some(buffer(&c, 1), [this, &end, &c](error_code ec, std::size_t) {
            if (ec)
                return;
            ++hits_;
            end.async_write_some(buffer(&c, 1), [](error_code, std::size_t) {});
            if (goes_on_)
                play(end, c);
        });
    }
    local_pair pair_;
    char data_[2]{};
    std::atomic<bool> goes_on_{true};
    std::atomic<int> hits_{0};
};

/// Some of everything: messages there and back over several connections, an accept and a connect, a wait, a read that is
/// cancelled, a timer.
class bustle {
    static constexpr int rounds = 3;

    template <class Function>
    auto counted(Function f) {
        ++started;
        return [this, f, had = false](error_code ec, std::size_t n = 0) mutable {
            ++completed;
            CHECK_FALSE(had);
            had = true;
            if (!ec)
                return f(n);
            ++errors;
            if (!first_error)
                first_error = ec;
        };
    }

public:
    explicit bustle(io_context& io)
        : acceptor_(io, any_port()), accepted_(io), client_(io), watched_(io), timer_(io, 1ms) {
        for (int i = 0; i != 3; ++i)
            talks_.emplace_back(io, *this);
    }

    void start() {
        for (auto& t : talks_)
            t.start();
        acceptor_.async_accept(accepted_, counted([](std::size_t) {}));
        client_.async_connect(acceptor_.local_endpoint(), counted([](std::size_t) {}));
        watched_.first.async_wait(local::socket::wait_read, counted([](std::size_t) {}));
        ++started;
        watched_.second.async_read_some(buffer(never_), [this](error_code ec, std::size_t) {
            ++completed;
            errors += ec != error::operation_aborted;
        });
        timer_.async_wait(counted([this](std::size_t) {
            watched_.second.cancel();
            rill::write(watched_.second, buffer("w", 1), ignored_);
        }));
    }

    /// Every operation that was started has completed, once.
    bool is_over() const { return started == completed; }
    /// And each as it should.
    bool succeeded() const {
        for (const auto& t : talks_)
            if (t.rounds != rounds || !t.is_intact)
                return false;
        return is_over() && errors == 0 && accepted_.is_open();
    }

    int started = 0;
    int completed = 0;
    int errors = 0;
    error_code first_error;

private:
    struct talk {
        talk(io_context& io, bustle& b)
            : owner(b), ends(io), question(3000, 'q'), heard(3000, ' '), answer(3000, ' ') {}
        void start() {
            rill::async_write(ends.first, buffer(question), owner.counted([](std::size_t) {}));
            rill::async_read(ends.second, buffer(heard), owner.counted([this](std::size_t) {
                rill::async_write(ends.second, buffer(heard), owner.counted([](std::size_t) {}));
            }));
            rill::async_read(ends.first, buffer(answer), owner.counted([this](std::size_t) {
                is_intact = is_intact && answer == question;
                question.assign(3000, static_cast<char>('a' + rounds));
                if (++rounds != bustle::rounds)
                    start();
            }));
        }
        bustle& owner;
        tcp_pair ends;
        std::string question, heard, answer;
        int rounds = 0;
        bool is_intact = true;
    };

    std::deque<talk> talks_;
    tcp::acceptor acceptor_;
    tcp::socket accepted_, client_;
    local_pair watched_;
    rill::steady_timer timer_;
    error_code ignored_;
    char never_[4];
};

}  // namespace rings
