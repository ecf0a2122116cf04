// SPDX-License-Identifier: BSL-1.0

// Ends reads that nobody answers: by a slot, and by a deadline. The socket must be as good as before.

#include "demo.hpp"

#include <chrono>
#include <exception>
#include <utility>

namespace {

using clock_type = std::chrono::steady_clock;

/// A connection whose far end is silent.
struct silence {
    silence() : here(context), there(context) {
        tcp::acceptor acceptor(context, {rill::ip::address_v4::loopback(), 0});
        there.connect(acceptor.local_endpoint());
        acceptor.accept(here);
    }

    rill::io_context context{1};
    tcp::socket here;
    tcp::socket there;
    rill::cancellation_signal stop;
};

/// Reads until it is stopped, and then once more, when there is something. Returns what is wrong.
rill::awaitable<std::string> read_twice(silence& s) {
    char data[16];
    auto [stopped, none] = co_await s.here.async_read_some(
        rill::buffer(data), rill::bind_cancellation_slot(s.stop.slot(), rill::as_tuple(rill::deferred)));
    if (stopped != rill::error::operation_aborted || none != 0)
        co_return "the cancelled read ended with '" + stopped.message() + "' and " + std::to_string(none) + " bytes";

    co_await rill::async_write(s.there, rill::buffer("after", 5));
    auto [error, n] = co_await rill::async_read(s.here, rill::buffer(data, 5), rill::as_tuple);
    if (error || std::string(data, n) != "after")
        co_return "the read after it ended with '" + error.message() + "' and '" + std::string(data, n) + "'";
    co_return std::string();
}

std::string run(silence& s) {
    std::string wrong = "the coroutine did not end";
    rill::co_spawn(s.context, read_twice(s), [&wrong](std::exception_ptr e, std::string result) {
        if (e)
            std::rethrow_exception(e);
        wrong = std::move(result);
    });
    s.context.run_for(patience);
    return wrong;
}

}  // namespace

std::string cancel_by_slot() {
    silence s;
    rill::post(s.context, [&s] { rill::post(s.context, [&s] { s.stop.emit(rill::cancellation_type::total); }); });
    return run(s);
}

std::string cancel_by_deadline() {
    silence s;
    constexpr std::chrono::milliseconds limit(50);
    rill::steady_timer deadline(s.context, limit);
    deadline.async_wait([&s](rill::error_code error) {
        if (!error)
            s.stop.emit(rill::cancellation_type::total);
    });
    auto began = clock_type::now();
    std::string wrong = run(s);
    if (wrong.empty() && clock_type::now() - began < limit)
        wrong = "the deadline was too early";
    return wrong;
}
