// SPDX-License-Identifier: BSL-1.0
#include <rill/token/use_future.hpp>

#include <support/catch.hpp>

#include <token/adapter_matrix.hpp>

#include <future>

using namespace token_test;

namespace {

/// The results that come out of a future; what it throws instead is its error_code.
template <class T>
std::vector<int> results_of(std::future<T> future) {
    std::vector<int> results;
    try {
        if constexpr (std::is_void_v<T>) {
            future.get();
        } else {
            flatten(results, future.get());
        }
    } catch (const rill::system_error& e) {
        flatten(results, e.code());
        results.push_back(-1);
    }
    return results;
}

/// What use_future makes of what the adapters make of the results.
std::vector<int> expected_of(model m, int error) {
    if (m.error_in_front && error != 0)
        return {error, -1};
    take_error(m);
    return m.results;
}

template <class Outer>
void check_futures() {
    for_each_adapter([]<class Inner>() {
        for (int error : {0, error_number}) {
            surroundings s;
            characteristics found;
            int colour = 0;
            auto token = Outer::wrap(s, Inner::wrap(s, rill::use_future));
            auto got = results_of(async_at_once({&s.context, &found, &colour, error}, std::move(token)));
            CHECK(got == expected_of(expected<Outer, Inner>(s, {{error, 20, 30}, 3, true, {}}), error));
        }
    });
}

}  // namespace

TEST_CASE("futures of each adapter around each", "[token][adapter_matrix]") {
    for_each_adapter([]<class Outer>() { check_futures<Outer>(); });
}
