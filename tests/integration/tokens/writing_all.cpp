// SPDX-License-Identifier: BSL-1.0
#include "table.hpp"

#include <integration/tokens/pair.hpp>
#include <rill/compose/write.hpp>

using namespace tokens;

namespace {

struct writing_all : full_pair {
    static constexpr cancellation_type obeyed = cancellation_type::terminal | cancellation_type::partial;
    using full_pair::full_pair;
    template <class Token>
    auto start(Token&& token) {
        return rill::async_write(socket, rill::buffer(data), std::forward<Token>(token));
    }
    void succeed() { read_from_peer(); }
};

}  // namespace

TEST_CASE("async_write ends once, with every token and in every way", "[tokens]") { tokens::check_all<writing_all>(); }
