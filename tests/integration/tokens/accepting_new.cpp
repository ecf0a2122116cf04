// SPDX-License-Identifier: BSL-1.0
#include "table.hpp"

#include <integration/tokens/listener.hpp>

using namespace tokens;

namespace {

struct accepting_new : listener {
    static constexpr cancellation_type obeyed = cancellation_type::all;
    using listener::listener;
    template <class Token>
    auto start(Token&& token) {
        return acceptor.async_accept(std::forward<Token>(token));
    }
    void succeed() { connect(); }
};

}  // namespace

TEST_CASE("async_accept of a new socket ends once, with every token and in every way", "[tokens]") {
    tokens::check_all<accepting_new>();
}
