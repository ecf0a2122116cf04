// SPDX-License-Identifier: BSL-1.0

// A read with a deadline: a timer emits a cancellation_signal, which ends the read and nothing else. Run: timeout

#include <rill/rill.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <string_view>
#include <tuple>

using namespace std::chrono_literals;
using rill::local::stream_protocol;

/// Reads some bytes; timed_out if there are none before @p limit is over.
rill::awaitable<std::tuple<rill::error_code, std::size_t>>
read_within(rill::steady_timer::duration limit, stream_protocol::socket& socket, rill::mutable_buffer buffer) {
    // Shared: if read and timer are done at the same moment, the timer's handler comes after this function has ended.
    auto deadline = std::make_shared<rill::cancellation_signal>();
    auto over = std::make_shared<bool>(false);
    rill::steady_timer timer(socket.get_executor(), limit);
    timer.async_wait([deadline, over](rill::error_code error) {
        if (error)
            return;  // cancelled: the read was faster
        *over = true;
        deadline->emit(rill::cancellation_type::total);
    });
    auto [error, n] = co_await socket.async_read_some(
        buffer, rill::bind_cancellation_slot(deadline->slot(), rill::as_tuple(rill::use_awaitable)));
    if (error == rill::error::operation_aborted && *over)
        error = rill::error::timed_out;
    co_return std::tuple(error, n);
}

rill::awaitable<void> show() {
    auto executor = co_await rill::this_coro::executor;
    stream_protocol::socket ours(executor);
    stream_protocol::socket theirs(executor);
    rill::local::connect_pair(ours, theirs);
    char data[64];

    for (std::string_view sent : {"", "in time"}) {
        co_await rill::async_write(theirs, rill::buffer(sent));
        auto [error, n] = co_await read_within(50ms, ours, rill::buffer(data));
        if (error)
            std::cout << "read: " << error.message() << '\n';
        else
            std::cout << "read: " << std::string_view(data, n) << '\n';
    }
}

int main() try {
    rill::io_context context(1);
    rill::co_spawn(context, show(), [](std::exception_ptr e) {
        if (e)
            std::rethrow_exception(e);
    });
    context.run();
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
