// SPDX-License-Identifier: BSL-1.0

// What it costs to cancel one operation, and to be ready to. A pair of connected local sockets; the handler of one round
// starts the next. ns of CPU time per round, on a context with the concurrency hint 1: solo with the context's own
// executor type throughout, any with any_io_executor, which is what a socket has unless told otherwise.
//
//   read/...            no data: a read is started, cancelled by its slot, and completes
//   plain_read/...      one byte is written by a bare system call, which is in the figure; it is read
//   deadline_read/...   the same with a deadline on the read, by cancel_after. What this costs more than plain_read is
//                       the price of a deadline. Boost 1.81's Asio has no cancel_after: there it is made by hand, of
//                       a timer that is armed for each read and would cancel it by its slot; the read's completion
//                       cancels the timer

#include <support/cases.hpp>
#include <support/library.hpp>

#include <unistd.h>

#include <chrono>
#include <cstddef>

namespace {

using namespace bench;
using namespace std::chrono_literals;

template <class Executor>
class rounds {
    using protocol = lib::local::stream_protocol;
    using clock = std::chrono::steady_clock;

public:
    rounds(solo_context& context, std::size_t n)
        : executor_(context.get_executor()), socket_(executor_), peer_(executor_), deadline_(executor_), left_(n) {
        lib::local::connect_pair(socket_, peer_);
    }

    void cancelled_read() {
        socket_.async_read_some(
            lib::buffer(data_),
            lib::bind_cancellation_slot(signal_.slot(), [this](const error_code& ec, std::size_t size) {
                check(ec == lib::error::operation_aborted && size == 0, "the read must be cancelled");
                if (--left_ != 0)
                    cancelled_read();
            }));
        signal_.emit(lib::cancellation_type::total);
    }

    void plain_read() {
        write_byte();
        socket_.async_read_some(lib::buffer(data_), [this](const error_code& ec, std::size_t size) {
            check(!ec && size == 1, "the byte must be read");
            if (--left_ != 0)
                plain_read();
        });
    }

#ifdef BENCH_ASIO
    void deadline_read() {
        write_byte();
        deadline_.expires_after(30s);
        deadline_.async_wait([this](const error_code& ec) {
            if (!ec)
                signal_.emit(lib::cancellation_type::terminal);
            else
                ++met_;
        });
        socket_.async_read_some(lib::buffer(data_), lib::bind_cancellation_slot(
                                                        signal_.slot(), [this](const error_code& ec, std::size_t size) {
                                                            check(!ec && size == 1, "the byte must be read");
                                                            deadline_.cancel();
                                                            if (--left_ != 0)
                                                                deadline_read();
                                                        }));
    }
#else
    void deadline_read() {
        write_byte();
        socket_.async_read_some(lib::buffer(data_), lib::cancel_after(30s, [this](const error_code& ec, std::size_t n) {
                                    check(!ec && n == 1, "the byte must be read");
                                    ++met_;
                                    if (--left_ != 0)
                                        deadline_read();
                                }));
    }
#endif

    std::size_t left() const noexcept { return left_; }
    std::size_t deadlines_met() const noexcept { return met_; }

private:
    void write_byte() { check(::write(peer_.native_handle(), "x", 1) == 1, "write"); }

    Executor executor_;
    lib::basic_stream_socket<protocol, Executor> socket_;
    lib::basic_stream_socket<protocol, Executor> peer_;
    lib::basic_waitable_timer<clock, lib::wait_traits<clock>, Executor> deadline_;
    lib::cancellation_signal signal_;
    char data_[64];
    std::size_t left_;
    std::size_t met_ = 0;
};

template <class Executor, void (rounds<Executor>::*Round)()>
sample run_rounds(std::size_t n) {
    solo_context context;
    rounds<Executor> r(context, n);
    lib::post(context, [&r] { (r.*Round)(); });
    cpu_stopwatch watch;
    watch.start();
    context.run();
    watch.stop();
    check(r.left() == 0, "each read must complete once");
    bool with_deadline = Round == &rounds<Executor>::deadline_read;
    check(r.deadlines_met() == (with_deadline ? n : 0), "each deadline must be met");
    return {watch.taken(), n};
}

using solo = lib::io_context::executor_type;
using any = lib::any_io_executor;

constexpr std::size_t reads = on_asio ? 300'000 : 2'000'000;

constexpr named_case cases[] = {
    {"read/solo", reads, &run_rounds<solo, &rounds<solo>::cancelled_read>},
    {"read/any", reads, &run_rounds<any, &rounds<any>::cancelled_read>},
    {"plain_read/solo", 100'000, &run_rounds<solo, &rounds<solo>::plain_read>},
    {"plain_read/any", 100'000, &run_rounds<any, &rounds<any>::plain_read>},
    {"deadline_read/solo", 100'000, &run_rounds<solo, &rounds<solo>::deadline_read>},
    {"deadline_read/any", 100'000, &run_rounds<any, &rounds<any>::deadline_read>},
};

}  // namespace

int main(int argc, char** argv) { return run_cases(argc, argv, cases); }
