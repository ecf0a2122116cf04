// SPDX-License-Identifier: BSL-1.0
#include <rill/coroutine/co_spawn.hpp>
#include <rill/coroutine/use_awaitable.hpp>

#include <support/catch.hpp>

#include <token/adapter_matrix.hpp>

using namespace token_test;

namespace {

struct awaited {
    std::vector<int> results;
    int thrown = 0;
    characteristics found;
    int colour = 0;
};

template <class Outer, class Inner>
rill::awaitable<void> await_one(surroundings& s, awaited& got, int error) {
    auto op = async_at_once({&s.context, &got.found, &got.colour, error},
                            Outer::wrap(s, Inner::wrap(s, rill::use_awaitable)));
    using result = rill::engine::awaited_result_t<rill::completion_signature_of_t<decltype(op)>>;
    try {
        if constexpr (std::is_void_v<result>)
            co_await std::move(op);
        else
            flatten(got.results, co_await std::move(op));
    } catch (const rill::system_error& e) {
        got.thrown = e.code().value();
    }
}

template <class Outer, class Inner>
void check_awaited(int error) {
    surroundings s;
    awaited got;
    rill::co_spawn(s.context, await_one<Outer, Inner>(s, got, error), [](std::exception_ptr e) {
        if (e)
            std::rethrow_exception(e);
    });
    s.context.run();

    // The coroutine has an executor, an allocator and a slot of its own, which have no number.
    model m = expected<Outer, Inner>(s, {{error, 20, 30}, 3, true, {-1, -1, 0, true, got.found.slot}});
    const int thrown = take_error(m);
    CHECK(got.thrown == thrown);
    if (thrown == 0)
        CHECK(got.results == m.results);
    CHECK(got.found == m.found);
    CHECK(got.colour == 0);
    CHECK(s.ec.value() == m.redirected_error);
    CHECK(s.number_of_exception() == m.redirected_exception);
}

}  // namespace

TEST_CASE("a coroutine awaits an operation through each adapter around others", "[coroutine][adapter_matrix]") {
    for_each_adapter([]<class Outer>() {
        for (int error : {0, error_number}) {
            check_awaited<Outer, tupled>(error);
            check_awaited<Outer, appended>(error);
            check_awaited<Outer, error_redirected>(error);
        }
    });
}

TEST_CASE("a coroutine awaits an operation through others around each adapter", "[coroutine][adapter_matrix]") {
    for_each_adapter([]<class Inner>() {
        for (int error : {0, error_number})
            check_awaited<consigned, Inner>(error);
    });
}
