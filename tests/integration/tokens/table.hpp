// SPDX-License-Identifier: BSL-1.0
#pragma once

// Every token for one operation, in every way in which it can end. A file of this folder describes operations:
//
//   struct some_operation {
//       static constexpr cancellation_type obeyed = ...;   of what a slot may emit
//       explicit some_operation(rill::io_context&);
//       auto start(auto&& token);                          it hangs until one of these:
//       void succeed();
//       void cancel();                                     by its object
//       void close();                                      or, if the object has none, destroying that
//   };                                                     (without succeed(): nothing brings it to its end in time)
//   TEST_CASE("...") { tokens::check_all<some_operation>(); }
//
// A new token is a line in check_handlers(), or a check of its own.

#include <rill/compose/cancel_after.hpp>
#include <rill/compose/cancel_at.hpp>
#include <rill/compose/timeout_after.hpp>
#include <rill/context/io_context.hpp>
#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/token/any_completion_handler.hpp>
#include <rill/token/append.hpp>
#include <rill/token/as_single.hpp>
#include <rill/token/as_tuple.hpp>
#include <rill/token/bind_allocator.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/consign.hpp>
#include <rill/token/deferred.hpp>
#include <rill/token/detached.hpp>
#include <rill/token/prepend.hpp>
#include <rill/token/redirect_disposition.hpp>
#include <rill/token/redirect_error.hpp>
#include <rill/token/use_future.hpp>

#include <support/catch.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tokens {

using namespace std::chrono_literals;
using rill::cancellation_type;
using rill::error_code;

enum class ending { success, terminal, partial, total, cancel, close, destruction };

inline constexpr ending all_endings[] = {ending::success, ending::terminal, ending::partial,    ending::total,
                                         ending::cancel,  ending::close,    ending::destruction};

inline cancellation_type type_of(ending e) {
    switch (e) {
    case ending::terminal: return cancellation_type::terminal;
    case ending::partial: return cancellation_type::partial;
    case ending::total: return cancellation_type::total;
    default: return cancellation_type::none;
    }
}

/// What is seen of one operation.
struct observations {
    int calls = 0;
    bool on_executor = false;      // it was called there
    bool memory_was_free = false;  // when it was called
    bool inside_executor = false;  // now
    std::size_t allocations = 0;
    std::size_t allocated_bytes = 0;  // now
    error_code ec;
    std::shared_ptr<int> life = std::make_shared<int>();  // of the handler

    bool handler_is_gone() const { return life.use_count() == 1; }
};

template <class Result>
void note(error_code&, const Result&) {}
inline void note(error_code& to, const error_code& ec) { to = ec; }
inline void note(error_code& to, const std::exception_ptr& e) {
    try {
        if (e)
            std::rethrow_exception(e);
    } catch (const rill::system_error& s) {
        to = s.code();
    } catch (...) {
        to = rill::error::fault;
    }
}
template <class... Results>
void note(error_code& to, const std::tuple<Results...>& results) {
    std::apply([&](const auto&... r) { (note(to, r), ...); }, results);
}

/// Runs functions on a context, and notes it.
struct observed_executor {
    rill::io_context* io;
    observations* seen;
    bool never_blocks = false;

    template <class Function>
    void execute(Function&& f) const {
        auto ex = io->get_executor();
        (never_blocks ? rill::require(ex, rill::execution::blocking.never) : ex)
            .execute([function = std::decay_t<Function>(std::forward<Function>(f)), s = seen]() mutable {
                s->inside_executor = true;
                std::move(function)();
                s->inside_executor = false;
            });
    }
    rill::io_context& query(rill::execution::context_t) const noexcept { return *io; }
    observed_executor require(rill::execution::blocking_t::never_t) const noexcept { return {io, seen, true}; }
    friend bool operator==(const observed_executor&, const observed_executor&) noexcept = default;
};

template <class T>
struct observed_allocator {
    using value_type = T;
    observations* seen;

    explicit observed_allocator(observations& s) noexcept : seen(&s) {}
    template <class U>
    observed_allocator(const observed_allocator<U>& other) noexcept : seen(other.seen) {}
    T* allocate(std::size_t n) {
        ++seen->allocations;
        seen->allocated_bytes += n * sizeof(T);
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) noexcept {
        seen->allocated_bytes -= n * sizeof(T);
        std::allocator<T>().deallocate(p, n);
    }
    template <class U>
    friend bool operator==(const observed_allocator& a, const observed_allocator<U>& b) noexcept {
        return a.seen == b.seen;
    }
};

/// A handler that can be moved only, for any results.
struct observed_handler {
    observations* seen;
    std::shared_ptr<int> life;

    explicit observed_handler(observations& s) : seen(&s), life(s.life) {}
    observed_handler(observed_handler&&) = default;
    observed_handler& operator=(observed_handler&&) = default;

    template <class... Results>
    void operator()(const Results&... results) {
        ++seen->calls;
        seen->on_executor = seen->inside_executor;
        seen->memory_was_free = seen->allocated_bytes == 0;
        (note(seen->ec, results), ...);
    }
};

/// The same with all that may be associated with it.
inline auto handler_with_all(rill::io_context& io, observations& seen, rill::cancellation_slot slot) {
    return rill::bind_executor(observed_executor{&io, &seen},
                               rill::bind_allocator(observed_allocator<void>(seen),
                                                    rill::bind_cancellation_slot(slot, observed_handler(seen))));
}

template <class Operation>
concept can_succeed = requires(Operation& op) {
    op.succeed();
};

/// Brings the operation to its end, and says what its error must be.
template <class Operation>
error_code end(Operation& op, rill::cancellation_signal& signal, ending how) {
    switch (how) {
    case ending::success:
        if constexpr (can_succeed<Operation>) {
            op.succeed();
            return {};
        }
        op.cancel();
        return rill::error::operation_aborted;
    case ending::cancel: op.cancel(); return rill::error::operation_aborted;
    case ending::close: op.close(); return rill::error::operation_aborted;
    case ending::destruction: return {};
    default: break;
    }
    signal.emit(type_of(how));
    if (!!(Operation::obeyed & type_of(how)))
        return rill::error::operation_aborted;
    return end(op, signal, ending::success);
}

inline void run(rill::io_context& io) {
    io.restart();
    io.run_for(60s);
    CHECK(io.stopped());
}

/// One handler token: @p start(operation, handler, error_code&) starts the operation.
template <class Operation, class Start>
void check_handler(const char* name, Start start) {
    for (int hint : {1, 2}) {
        for (ending how : all_endings) {
            INFO(name << ", hint " << hint << ", ending " << static_cast<int>(how));
            observations seen;
            rill::cancellation_signal signal;
            error_code redirected, expected;
            {
                rill::io_context io(hint);
                Operation op(io);
                start(op, handler_with_all(io, seen, signal.slot()), redirected);
                io.poll();
                CHECK(seen.calls == 0);
                CHECK(seen.allocations != 0);
                expected = end(op, signal, how);
                CHECK(seen.calls == 0);  // never from inside
                if (how != ending::destruction)
                    run(io);
            }
            CHECK(seen.calls == (how == ending::destruction ? 0 : 1));
            CHECK(seen.allocated_bytes == 0);
            CHECK(seen.handler_is_gone());
            if (how == ending::destruction)
                continue;
            CHECK(seen.on_executor);
            CHECK(seen.memory_was_free);
            CHECK((seen.ec ? seen.ec : redirected) == expected);
            CHECK_FALSE(signal.slot().has_handler());
        }
    }
}

/// The any_completion_handler for a deferred operation.
template <class Deferred>
using erased = rill::any_completion_handler<rill::completion_signature_of_t<Deferred>>;

template <class Operation>
void check_handlers() {
    using rill::as_tuple;
    using rill::cancel_after;
    using rill::redirect_error;
    check_handler<Operation>("callback", [](auto& op, auto h, auto&) { op.start(std::move(h)); });
    check_handler<Operation>("as_tuple", [](auto& op, auto h, auto&) { op.start(as_tuple(std::move(h))); });
    check_handler<Operation>("redirect_error",
                             [](auto& op, auto h, auto& ec) { op.start(redirect_error(std::move(h), ec)); });
    check_handler<Operation>("deferred", [](auto& op, auto h, auto&) { op.start(rill::deferred)(std::move(h)); });
    check_handler<Operation>("append", [](auto& op, auto h, auto&) { op.start(rill::append(std::move(h), 1)); });
    check_handler<Operation>("prepend", [](auto& op, auto h, auto&) { op.start(rill::prepend(std::move(h), 1)); });
    check_handler<Operation>(
        "consign", [](auto& op, auto h, auto&) { op.start(rill::consign(std::move(h), h.get().get().get().life)); });
    check_handler<Operation>("as_single", [](auto& op, auto h, auto&) { op.start(rill::as_single(std::move(h))); });
    check_handler<Operation>("redirect_disposition", [](auto& op, auto h, auto& ec) {
        op.start(rill::redirect_disposition(std::move(h), ec));
    });
    check_handler<Operation>("any_completion_handler", [](auto& op, auto h, auto&) {
        op.start(erased<decltype(op.start(rill::deferred))>(std::move(h)));
    });
    check_handler<Operation>("cancel_after", [](auto& op, auto h, auto&) { op.start(cancel_after(1h, std::move(h))); });
    check_handler<Operation>("cancel_at of the system's clock", [](auto& op, auto h, auto&) {
        op.start(rill::cancel_at(std::chrono::system_clock::now() + 1h, std::move(h)));
    });
    check_handler<Operation>("timeout_after inside as_tuple", [](auto& op, auto h, auto&) {
        op.start(as_tuple(rill::timeout_after(1h, cancellation_type::partial, std::move(h))));
    });
    check_handler<Operation>("redirect_error inside a deadline inside a deadline", [](auto& op, auto h, auto& ec) {
        op.start(cancel_after(1h, cancel_after(2h, redirect_error(std::move(h), ec))));
    });
}

/// use_future: ready once the operation is done, and broken if it never will be.
template <class Operation>
void check_future() {
    for (int hint : {1, 2}) {
        for (ending how : all_endings) {
            INFO("use_future, hint " << hint << ", ending " << static_cast<int>(how));
            observations seen;
            rill::cancellation_signal signal;
            error_code expected, got;
            bool early = true, broken = false;
            {
                std::unique_ptr<rill::io_context> io(new rill::io_context(hint));
                std::unique_ptr<Operation> op(new Operation(*io));
                auto future = op->start(
                    rill::bind_cancellation_slot(signal.slot(), rill::use_future[observed_allocator<void>(seen)]));
                io->poll();
                early = future.wait_for(0s) == std::future_status::ready;
                expected = end(*op, signal, how);
                if (how != ending::destruction)
                    run(*io);
                op.reset();
                io.reset();
                REQUIRE(future.wait_for(0s) == std::future_status::ready);
                try {
                    static_cast<void>(future.get());
                } catch (const rill::system_error& e) {
                    got = e.code();
                } catch (const std::future_error& e) {
                    broken = e.code() == std::future_errc::broken_promise;
                }
            }
            CHECK_FALSE(early);
            CHECK(seen.allocations != 0);
            CHECK(seen.allocated_bytes == 0);
            CHECK(broken == (how == ending::destruction));
            CHECK(got == expected);
        }
    }
}

/// One token that is awaited: @p wait(operation) returns what co_await takes.
template <class Operation, class Wait>
void check_awaited(const char* name, Wait wait) {
    for (int hint : {1, 2}) {
        for (ending how : all_endings) {
            INFO(name << ", hint " << hint << ", ending " << static_cast<int>(how));
            rill::cancellation_signal signal;
            error_code expected, got;
            int done = 0;
            auto life = std::make_shared<int>();
            {
                rill::io_context io(hint);
                Operation op(io);
                auto body = [&, life]() -> rill::awaitable<void> {
                    co_await rill::this_coro::reset_cancellation_state(rill::enable_total_cancellation());
                    try {
                        auto operation = wait(op);
                        using signature = rill::completion_signature_of_t<decltype(operation)>;
                        if constexpr (std::is_void_v<rill::engine::awaited_result_t<signature>>)
                            co_await std::move(operation);
                        else
                            note(got, co_await std::move(operation));
                    } catch (const rill::system_error& e) {
                        got = e.code();
                    }
                    ++done;
                };
                co_spawn(io, body, rill::bind_cancellation_slot(signal.slot(), rill::detached));
                io.poll();
                CHECK(done == 0);
                expected = end(op, signal, how);
                CHECK(done == 0);
                if (how != ending::destruction)
                    run(io);
            }
            CHECK(done == (how == ending::destruction ? 0 : 1));
            CHECK(life.use_count() == 1);
            CHECK(got == expected);
        }
    }
}

template <class Operation>
void check_awaiting() {
    using rill::cancel_after;
    using rill::use_awaitable;
    check_awaited<Operation>("use_awaitable", [](auto& op) { return op.start(use_awaitable); });
    check_awaited<Operation>("deferred, awaited", [](auto& op) { return op.start(rill::deferred); });
    check_awaited<Operation>("as_tuple, awaited", [](auto& op) { return op.start(rill::as_tuple); });
    check_awaited<Operation>("as_single, awaited", [](auto& op) { return op.start(rill::as_single); });
    check_awaited<Operation>("consign, awaited",
                             [](auto& op) { return op.start(rill::consign(use_awaitable, std::make_unique<int>())); });
    check_awaited<Operation>("cancel_after, awaited", [](auto& op) { return op.start(cancel_after(1h)); });
    check_awaited<Operation>("cancel_after around as_tuple, awaited",
                             [](auto& op) { return op.start(cancel_after(1h, rill::as_tuple(use_awaitable))); });
    check_awaited<Operation>("timeout_after inside as_tuple, awaited",
                             [](auto& op) { return op.start(rill::as_tuple(rill::timeout_after(1h))); });
}

/// detached: nobody is told, but the context has no work left.
template <class Operation>
void check_detached() {
    for (int hint : {1, 2}) {
        for (ending how : all_endings) {
            INFO("detached, hint " << hint << ", ending " << static_cast<int>(how));
            rill::cancellation_signal signal;
            rill::io_context io(hint);
            Operation op(io);
            op.start(rill::bind_cancellation_slot(signal.slot(), rill::detached));
            io.poll();
            CHECK_FALSE(io.stopped());
            end(op, signal, how);
            if (how != ending::destruction) {
                run(io);
                CHECK_FALSE(signal.slot().has_handler());
            }
        }
    }
}

template <class Operation>
void check_all() {
    check_handlers<Operation>();
    check_future<Operation>();
    check_awaiting<Operation>();
    check_detached<Operation>();
}

}  // namespace tokens
