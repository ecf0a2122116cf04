// SPDX-License-Identifier: BSL-1.0
#include "table.hpp"

#include <integration/tokens/pair.hpp>

using namespace tokens;

namespace {

struct sending_zc : full_pair {
    static constexpr cancellation_type obeyed = cancellation_type::all;
    using full_pair::full_pair;
    template <class Token>
    auto start(Token&& token) {
        return socket.async_send_zc(rill::buffer(data), std::forward<Token>(token));
    }
    void succeed() { read_from_peer(); }
};

}  // namespace

TEST_CASE("async_send_zc ends once, with every token and in every way", "[tokens]") { tokens::check_all<sending_zc>(); }
