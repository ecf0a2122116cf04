// SPDX-License-Identifier: BSL-1.0

// The demo: an echo server and its clients in one process, over TCP loopback, with callbacks, futures and coroutines.
// Every byte that comes back is compared with what was sent; then two reads are cancelled. It ends by itself, with 0 if
// all is well. Run: demo, or RILL_BACKEND=poll demo

#include "demo.hpp"

#include <chrono>
#include <cstdio>
#include <exception>

static bool failed = false;

static void complain(const char* who, const std::string& what) {
    std::fprintf(stderr, "%s: %s\n", who, what.c_str());
    failed = true;
}

static void demonstrate(const char* style, void (*use)(conversations&)) {
    constexpr std::size_t connections = 32;
    constexpr std::size_t messages_each = 256;
    conversations all;
    for (std::size_t i = 0; i < connections; ++i)
        all.push_back(std::make_unique<conversation>(i, messages_each));

    auto began = std::chrono::steady_clock::now();
    try {
        use(all);
    } catch (const std::exception& e) {
        complain(style, e.what());
    }
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;

    std::size_t messages = 0;
    std::size_t errors = 0;
    for (auto& c : all) {
        messages += c->messages();
        if (c->done() && c->error().empty())
            continue;
        ++errors;
        complain(style, c->error().empty() ? "a connection went silent" : c->error());
    }
    std::printf("%-12s %11zu %13zu %12.0f %8zu\n", style, connections, messages * conversation::message_size,
                static_cast<double>(messages) / seconds.count(), errors);
}

static void check(const char* what, std::string (*test)()) {
    std::string wrong;
    try {
        wrong = test();
    } catch (const std::exception& e) {
        wrong = e.what();
    }
    if (!wrong.empty())
        complain(what, wrong);
    std::printf("%s: %s\n", what, wrong.empty() ? "ok" : "FAILED");
}

int main() try {
    std::printf("backend: %s\n\n", rill::io_context().backend_name());
    std::printf("%-12s %11s %13s %12s %8s\n", "style", "connections", "bytes echoed", "messages/s", "errors");
    demonstrate("callbacks", use_callbacks);
    demonstrate("futures", use_futures);
    demonstrate("coroutines", use_coroutines);
    std::printf("\n");
    check("read cancelled by slot", cancel_by_slot);
    check("read cancelled by deadline", cancel_by_deadline);
    return failed ? 1 : 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
