// SPDX-License-Identifier: BSL-1.0
#include <rill/coroutine/spawn.hpp>

#include <rill/compose/read.hpp>

#include <support/catch.hpp>

#include <integration/tokens/pair.hpp>
#include <integration/tokens/table.hpp>

// The line of yield_context in the table of integration/tokens/table.hpp: for an operation of one step, and one of
// several.

using namespace tokens;

namespace {

struct reading : pair {
    static constexpr cancellation_type obeyed = cancellation_type::all;
    using pair::pair;
    template <class Token>
    auto start(Token&& token) {
        return socket.async_read_some(rill::buffer(data), std::forward<Token>(token));
    }
    void succeed() { write_from_peer(); }
};

struct reading_all : pair {
    static constexpr cancellation_type obeyed = cancellation_type::terminal | cancellation_type::partial;
    using pair::pair;
    template <class Token>
    auto start(Token&& token) {
        return rill::async_read(socket, rill::buffer(data), std::forward<Token>(token));
    }
    void succeed() { write_from_peer(); }
};

/// One token that waits: @p wait(operation, yield, error_code&).
template <class Operation, class Wait>
void check_yielding(const char* name, Wait wait) {
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
                rill::spawn(
                    io,
                    [&, life](auto yield) {
                        yield.reset_cancellation_state(rill::enable_total_cancellation());
                        try {
                            wait(op, yield, got);
                        } catch (const rill::system_error& e) {
                            got = e.code();
                        }
                        ++done;
                    },
                    rill::bind_cancellation_slot(signal.slot(), rill::detached));
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
void check_all_yielding() {
    check_yielding<Operation>("yield", [](auto& op, auto yield, auto&) { op.start(yield); });
    check_yielding<Operation>("yield[ec]", [](auto& op, auto yield, auto& ec) { op.start(yield[ec]); });
    check_yielding<Operation>("as_tuple",
                              [](auto& op, auto yield, auto& ec) { note(ec, op.start(rill::as_tuple(yield))); });
    check_yielding<Operation>("redirect_error",
                              [](auto& op, auto yield, auto& ec) { op.start(rill::redirect_error(yield, ec)); });
    check_yielding<Operation>("append", [](auto& op, auto yield, auto&) { op.start(rill::append(yield, 1)); });
    check_yielding<Operation>("cancel_after",
                              [](auto& op, auto yield, auto&) { op.start(rill::cancel_after(1h, yield)); });
    check_yielding<Operation>("a deferred operation",
                              [](auto& op, auto yield, auto&) { op.start(rill::deferred)(yield); });
}

}  // namespace

TEST_CASE("async_read_some ends once for a yield_context, in every way", "[tokens][coroutine][spawn]") {
    check_all_yielding<reading>();
}

TEST_CASE("async_read ends once for a yield_context, in every way", "[tokens][coroutine][spawn]") {
    check_all_yielding<reading_all>();
}
