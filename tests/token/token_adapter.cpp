// SPDX-License-Identifier: BSL-1.0
#include <rill/token/token_adapter.hpp>

#include <support/catch.hpp>

#include <rill/token/as_tuple.hpp>
#include <rill/token/bind_allocator.hpp>
#include <rill/token/bind_cancellation_slot.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/bind_immediate_executor.hpp>
#include <rill/token/deferred.hpp>
#include <rill/token/redirect_error.hpp>

#include <token/answer.hpp>

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

using rill::error_code;
using token_test::characteristics;

namespace {

/// An operation that is done at once: the table is long enough without queues.
struct initiate_at_once {
    using executor_type = rill::io_context::executor_type;

    rill::io_context* context;
    characteristics* found;

    executor_type get_executor() const noexcept { return context->get_executor(); }

    template <class Handler>
    void operator()(Handler&& handler, int result) const {
        *found = token_test::characteristics_of(handler);
        std::forward<Handler>(handler)(error_code(), result);
    }
};

template <class Token>
auto async_at_once(initiate_at_once initiation, int result, Token&& token) {
    return rill::async_initiate<Token, void(error_code, int)>(initiation, token, result);
}

/// The last result, out of however many tuples.
template <class T>
T unwrapped(T value) {
    return value;
}
template <class... Ts>
auto unwrapped(std::tuple<Ts...> t) {
    return unwrapped(std::get<sizeof...(Ts) - 1>(std::move(t)));
}

/// The adapters there are, each with what it adds to the characteristics of the handler.
struct table {
    rill::io_context ctx;
    error_code ec;
    rill::cancellation_signal signal;

    template <class Visit>
    void for_each(Visit visit) {
        visit([](auto t) { return rill::as_tuple(std::move(t)); }, [](characteristics&) {});
        visit([this](auto t) { return rill::redirect_error(std::move(t), ec); }, [](characteristics&) {});
        visit(
            [this](auto t) {
                return rill::bind_executor(token_test::numbered_executor{&ctx, 1}, std::move(t));
            },
            [](characteristics& c) { c.executor = 1; });
        visit([](auto t) { return rill::bind_allocator(token_test::numbered_allocator<void>(2), std::move(t)); },
              [](characteristics& c) { c.allocator = 2; });
        visit(
            [this](auto t) {
                return rill::bind_immediate_executor(token_test::numbered_executor{&ctx, 3}, std::move(t));
            },
            [](characteristics& c) { c.immediate_executor = 3; });
        visit([this](auto t) { return rill::bind_cancellation_slot(signal.slot(), std::move(t)); },
              [this](characteristics& c) {
                  c.has_slot = true;
                  c.slot = signal.slot();
              });
    }
};

}  // namespace

TEST_CASE("each adapter inside of each other keeps the results and all characteristics", "[token][token_adapter]") {
    table t;
    int combinations = 0;
    t.for_each([&](auto outer, auto add_outer) {
        t.for_each([&](auto inner, auto add_inner) {
            characteristics expected;
            add_inner(expected);
            add_outer(expected);

            int sum = 0;
            auto handler = [&sum, own = std::make_unique<int>(0)](auto... results) {
                sum += unwrapped(std::tuple(std::move(results)...));
            };
            characteristics found;
            async_at_once({&t.ctx, &found}, 11, outer(inner(std::move(handler))));
            CHECK(sum == 11);
            CHECK(found == expected);

            found = characteristics();
            auto op = async_at_once({&t.ctx, &found}, 12, outer(inner(rill::deferred)));
            CHECK(op.get_executor() == t.ctx.get_executor());
            std::move(op)([&sum](auto... results) { sum += unwrapped(std::tuple(std::move(results)...)); });
            CHECK(sum == 23);
            CHECK(found == expected);
            ++combinations;
        });
    });
    CHECK(combinations == 36);
}

TEST_CASE("what lies in the middle of three adapters is found", "[token][token_adapter]") {
    rill::io_context ctx;
    error_code ec;
    characteristics found;
    int got = 0;
    auto handler = [&got](std::tuple<int> t) { got = std::get<0>(t); };
    async_at_once(
        {&ctx, &found}, 5,
        rill::redirect_error(
            rill::bind_allocator(token_test::numbered_allocator<void>(7), rill::as_tuple(std::move(handler))), ec));
    CHECK(got == 5);
    CHECK(found.allocator == 7);
}

TEST_CASE("an adapted initiation runs where the initiation does", "[token][token_adapter]") {
    rill::io_context ctx;
    characteristics found;
    struct adapt {};
    const rill::engine::adapted_initiation<initiate_at_once, adapt> adapted{{{&ctx, &found}, {}}};
    CHECK(adapted.get_executor() == ctx.get_executor());
    CHECK(rill::get_associated_executor(adapted) == ctx.get_executor());

    auto homeless = [](auto&&) {};
    STATIC_REQUIRE(!rill::engine::has_associated_executor<rill::engine::adapted_initiation<decltype(homeless), adapt>>);
}
