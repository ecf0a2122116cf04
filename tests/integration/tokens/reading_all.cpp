// SPDX-License-Identifier: BSL-1.0
#include "table.hpp"

#include <integration/tokens/pair.hpp>
#include <rill/compose/read.hpp>

using namespace tokens;

namespace {

struct reading_all : pair {
    static constexpr cancellation_type obeyed = cancellation_type::terminal | cancellation_type::partial;
    using pair::pair;
    template <class Token>
    auto start(Token&& token) {
        return rill::async_read(socket, rill::buffer(data), std::forward<Token>(token));
    }
    void succeed() { write_from_peer(); }
};

}  // namespace

TEST_CASE("async_read ends once, with every token and in every way", "[tokens]") { tokens::check_all<reading_all>(); }
