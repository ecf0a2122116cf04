// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <support/catch.hpp>

#include <token/adapter_matrix.hpp>

namespace token_test {

/// What came out of one cell of the table.
struct outcome {
    std::vector<int> results;
    int arguments = 0;
    characteristics found;
    int colour = 0;
};

inline void check(surroundings& s, const outcome& got, const model& m) {
    CHECK(got.results == m.results);
    CHECK(got.arguments == m.arguments);
    CHECK(got.found == m.found);
    CHECK(got.colour == m.colour);
    CHECK(s.ec.value() == m.redirected_error);
    CHECK(s.number_of_exception() == m.redirected_exception);
    s.ec.clear();
    s.exception = nullptr;
}

/// Outer around each adapter: with both handlers, and as an operation that is started later.
template <class Outer>
int check_row() {
    int cells = 0;
    for_each_adapter([&cells]<class Inner>() {
        surroundings s;
        const auto wrap = [&s](auto token) { return Outer::wrap(s, Inner::wrap(s, std::move(token))); };
        const model plain = expected<Outer, Inner>(s);
        {
            outcome got;
            async_at_once({&s.context, &got.found, &got.colour}, wrap(plain_handler{&got.results, &got.arguments}));
            check(s, got, plain);
        }
        {
            outcome got;
            auto op = async_at_once({&s.context, &got.found, &got.colour}, wrap(rill::deferred));
            CHECK(op.get_executor() == s.context.get_executor());
            CHECK(got.results.empty());
            std::move(op)(plain_handler{&got.results, &got.arguments});
            check(s, got, plain);
        }
        {
            rill::cancellation_signal own;
            outcome got;
            async_at_once({&s.context, &got.found, &got.colour},
                          wrap(rich_handler{{&got.results, &got.arguments}, own.slot()}));
            check(s, got, expected<Outer, Inner>(s, {all_results, 3, true, {101, 102, 103, true, own.slot()}, 105}));
        }
        ++cells;
    });
    return cells;
}

}  // namespace token_test
