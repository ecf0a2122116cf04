// SPDX-License-Identifier: BSL-1.0
#include "table.hpp"

#include <integration/tokens/pair.hpp>

using namespace tokens;

namespace {

struct waiting : full_pair {
    static constexpr cancellation_type obeyed = cancellation_type::all;
    using full_pair::full_pair;
    template <class Token>
    auto start(Token&& token) {
        return socket.async_wait(rill::socket_base::wait_write, std::forward<Token>(token));
    }
    void succeed() { read_from_peer(); }
};

}  // namespace

TEST_CASE("async_wait to write ends once, with every token and in every way", "[tokens]") {
    tokens::check_all<waiting>();
}
