// SPDX-License-Identifier: BSL-1.0
#pragma once

// Streams and handlers for the tests of composed operations.

#include <rill/compose/completion_condition.hpp>
#include <rill/context/io_context.hpp>
#include <rill/core/buffer.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/token/associated_cancellation_slot.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/async_result.hpp>

#include <support/bare_sockets.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace compose_test {

using rill::cancellation_type;
using rill::error_code;
using local_socket = rill::local::stream_protocol::socket;

/// Two ends of a stream.
struct socket_pair {
    explicit socket_pair(rill::io_context& ctx) : socket_pair(ctx, made()) {}

    local_socket first;
    local_socket second;

private:
    struct descriptors {
        bare::handle fd[2];
    };
    static descriptors made() {
        descriptors d{{bare::none, bare::none}};
        if (!bare::open_pair(d.fd))
            std::abort();
        return d;
    }
    socket_pair(rill::io_context& ctx, descriptors d)
        : first(ctx, rill::local::stream_protocol(), d.fd[0]), second(ctx, rill::local::stream_protocol(), d.fd[1]) {}
};

/// What became of a handler.
struct outcome {
    int calls = 0;
    int destructions = 0;  // of handlers that own it
    error_code ec;
    std::size_t bytes = 0;
    std::function<void()> then;
};

/// Records its call; move-only.
class recorder {
public:
    explicit recorder(outcome& o) noexcept : outcome_(&o) {}
    recorder(recorder&& other) noexcept : outcome_(std::exchange(other.outcome_, nullptr)) {}
    recorder& operator=(recorder&&) = delete;
    ~recorder() {
        if (outcome_)
            ++outcome_->destructions;
    }

    void operator()(error_code ec, std::size_t bytes) {
        ++outcome_->calls;
        outcome_->ec = ec;
        outcome_->bytes = bytes;
        if (outcome_->then)
            outcome_->then();
    }

private:
    outcome* outcome_;
};

template <class Handler>
struct with_slot : Handler {
    using cancellation_slot_type = rill::cancellation_slot;
    rill::cancellation_slot slot;
    rill::cancellation_slot get_cancellation_slot() const noexcept { return slot; }
};
template <class Handler>
with_slot<Handler> cancelled_by(rill::cancellation_signal& signal, Handler handler) {
    return {std::move(handler), signal.slot()};
}

template <class Handler, class Executor>
struct with_executor : Handler {
    using executor_type = Executor;
    Executor executor;
    const Executor& get_executor() const noexcept { return executor; }
};
template <class Handler, class Executor>
with_executor<Handler, Executor> run_on(const Executor& ex, Handler handler) {
    return {std::move(handler), ex};
}

/// What an allocator was asked for.
struct allocations {
    int made = 0;
    int live = 0;
};

template <class T>
struct counting_allocator {
    using value_type = T;
    allocations* count;

    explicit counting_allocator(allocations* c) noexcept : count(c) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& other) noexcept : count(other.count) {}

    T* allocate(std::size_t n) {
        ++count->made;
        ++count->live;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) noexcept {
        --count->live;
        std::allocator<T>().deallocate(p, n);
    }
    friend bool operator==(const counting_allocator&, const counting_allocator&) noexcept = default;
};

template <class Handler>
struct with_allocator : Handler {
    using allocator_type = counting_allocator<char>;
    allocator_type allocator;
    allocator_type get_allocator() const noexcept { return allocator; }
};
template <class Handler>
with_allocator<Handler> allocated_by(allocations& count, Handler handler) {
    return {std::move(handler), counting_allocator<char>(&count)};
}

/// A stream in memory: what is read comes from `input`, what is written goes to `output`, at most `most` bytes at a
/// time. At the end of `input`, or with `output` at `capacity`, an operation reports `at_the_end`.
class memory_stream {
public:
    using executor_type = rill::io_context::executor_type;

    explicit memory_stream(rill::io_context& ctx, std::string_view in = {}) : input(in), context_(ctx) {}

    executor_type get_executor() const noexcept { return context_.get_executor(); }

    template <class Buffers>
    std::size_t read_some(const Buffers& buffers, error_code& ec) {
        ++steps;
        ec = error_code();
        if (rill::buffer_size(buffers) == 0)
            return 0;
        std::size_t n = rill::buffer_copy(buffers, rill::buffer(std::string_view(input).substr(0, most)));
        input.erase(0, n);
        if (n == 0)
            ec = at_the_end;
        return n;
    }
    template <class Buffers>
    std::size_t write_some(const Buffers& buffers, error_code& ec) {
        ++steps;
        ec = error_code();
        if (rill::buffer_size(buffers) == 0)
            return 0;
        std::string taken(std::min({most, capacity - output.size(), rill::buffer_size(buffers)}), '\0');
        std::size_t n = rill::buffer_copy(rill::buffer(taken), buffers);
        output.append(taken, 0, n);
        if (n == 0)
            ec = at_the_end;
        return n;
    }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return start([this, copy = copied(buffers)](error_code& ec) { return read_some(copy, ec); }, token);
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return start([this, copy = copied(buffers)](error_code& ec) { return write_some(copy, ec); }, token);
    }

    /// Completes the operation that was held back.
    void let_go() { std::exchange(held_, nullptr)->complete(error_code()); }
    bool holds_one() const noexcept { return held_ != nullptr; }

    std::string input;
    std::string output;
    std::size_t most = static_cast<std::size_t>(-1);
    std::size_t capacity = static_cast<std::size_t>(-1);
    error_code at_the_end = rill::error::eof;
    int steps = 0;
    bool hold = false;        // the next operations wait for let_go()
    bool cancellable = true;  // those listen to their slot
    int cancellations = 0;
    std::function<void()> at_start;     // inside the initiating function, before the slot is connected
    std::function<void()> after_start;  // there, when all is done
    std::atomic<int> deliveries{0};     // begun

private:
    struct held_operation {
        virtual ~held_operation() = default;
        virtual void complete(const error_code& why) = 0;
    };

    template <class Transfer, class Handler>
    struct held_transfer final : held_operation {
        held_transfer(memory_stream& s, Transfer t, Handler h)
            : stream(s), transfer(std::move(t)), handler(std::move(h)) {}

        void complete(const error_code& why) override {
            error_code ec = why;
            std::size_t n = why ? 0 : transfer(ec);
            rill::get_associated_cancellation_slot(handler).clear();
            auto ex = rill::get_associated_executor(handler, stream.get_executor());
            rill::require(ex, rill::execution::blocking.never)
                .execute([h = std::move(handler), ec, n, &count = stream.deliveries]() mutable {
                    ++count;
                    std::move(h)(ec, n);
                });
        }

        memory_stream& stream;
        Transfer transfer;
        Handler handler;
    };

    template <class Buffers>
    static auto copied(const Buffers& buffers) {
        return buffers;
    }

    template <class Transfer, class Token>
    auto start(Transfer transfer, Token& token) {
        return rill::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, Transfer t) {
                if (at_start)
                    at_start();
                auto slot = rill::get_associated_cancellation_slot(handler);
                held_ = std::make_unique<held_transfer<Transfer, decltype(handler)>>(*this, std::move(t),
                                                                                     std::move(handler));
                if (!hold)
                    let_go();
                else if (cancellable && slot.is_connected()) {
                    slot.assign([this](cancellation_type) {
                        ++cancellations;
                        // Not from inside the signal.
                        context_.get_executor().require(rill::execution::blocking.never).execute([this] {
                            if (held_)
                                std::exchange(held_, nullptr)->complete(rill::error::operation_aborted);
                        });
                    });
                }
                if (after_start)
                    after_start();
            },
            token, std::move(transfer));
    }

    rill::io_context& context_;
    std::unique_ptr<held_operation> held_;
};

/// A megabyte or so in which no stretch looks like another.
inline std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    unsigned state = 1;
    for (char& c : text) {
        state = state * 1664525u + 1013904223u;
        c = static_cast<char>(state >> 24);
    }
    return text;
}

}  // namespace compose_test
