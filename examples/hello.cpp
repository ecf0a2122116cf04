// SPDX-License-Identifier: BSL-1.0

// The smallest program: a timer, a callback, and the context that runs it. Run: hello

#include <rill/rill.hpp>

#include <chrono>
#include <iostream>

int main() {
    rill::io_context context;
    rill::steady_timer timer(context, std::chrono::seconds(1));
    timer.async_wait([](rill::error_code) { std::cout << "hello\n"; });
    std::cout << "nothing has been called yet\n";
    context.run();  // returns when there is nothing left to wait for
}
