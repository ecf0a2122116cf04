// SPDX-License-Identifier: BSL-1.0
#include "table.hpp"

#include <integration/tokens/pair.hpp>

using namespace tokens;

namespace {

struct coroutine : pair {
    static constexpr cancellation_type obeyed = cancellation_type::terminal;
    using pair::pair;
    template <class Token>
    auto start(Token&& token) {
        return co_spawn(
            socket.get_executor(),
            [this]() -> rill::awaitable<void> { co_await socket.async_read_some(rill::buffer(data), rill::deferred); },
            std::forward<Token>(token));
    }
    void succeed() { write_from_peer(); }
};

}  // namespace

TEST_CASE("co_spawn ends once, with every token and in every way", "[tokens]") { tokens::check_all<coroutine>(); }
