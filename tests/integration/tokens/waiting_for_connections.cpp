// SPDX-License-Identifier: BSL-1.0
#include "table.hpp"

#include <integration/tokens/listener.hpp>

using namespace tokens;

namespace {

struct waiting : listener {
    static constexpr cancellation_type obeyed = cancellation_type::all;
    using listener::listener;
    template <class Token>
    auto start(Token&& token) {
        return acceptor.async_wait(rill::socket_base::wait_read, std::forward<Token>(token));
    }
    void succeed() { connect(); }
};

}  // namespace

TEST_CASE("async_wait of an acceptor ends once, with every token and in every way", "[tokens]") {
    tokens::check_all<waiting>();
}
