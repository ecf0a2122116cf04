// SPDX-License-Identifier: BSL-1.0
#include "table.hpp"

#include <integration/tokens/pair.hpp>

using namespace tokens;

namespace {

struct receiving_buffers : pair {
    static constexpr cancellation_type obeyed = cancellation_type::all;
    using pair::pair;
    template <class Token>
    auto start(Token&& token) {
        return socket.async_receive_buffer(std::forward<Token>(token));
    }
    void succeed() { write_from_peer(); }
};

}  // namespace

TEST_CASE("async_receive_buffer ends once, with every token and in every way", "[tokens]") {
    tokens::check_all<receiving_buffers>();
}
