// SPDX-License-Identifier: BSL-1.0

// Cancels a coroutine from another thread: the operation that it awaits ends, and the coroutine decides what follows.
// Run: cancellation

#include <rill/rill.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;

rill::awaitable<int> count_seconds() {
    rill::steady_timer timer(co_await rill::this_coro::executor);
    for (int n = 0;; ++n) {
        timer.expires_after(1s);
        auto [error] = co_await timer.async_wait(rill::as_tuple);
        if (error == rill::error::operation_aborted)
            co_return n;
    }
}

int main() try {
    rill::io_context context;
    rill::cancellation_signal stop;  // outlives run()
    rill::co_spawn(context, count_seconds(),
                   rill::bind_cancellation_slot(stop.slot(), [](std::exception_ptr e, int seconds) {
                       if (e)
                           std::rethrow_exception(e);
                       std::cout << "stopped after " << seconds << " whole seconds\n";
                   }));

    std::thread user([&stop] {
        std::this_thread::sleep_for(1500ms);
        stop.emit(rill::cancellation_type::terminal);  // from any thread, at any time
    });
    context.run();
    user.join();
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
