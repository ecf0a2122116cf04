// SPDX-License-Identifier: BSL-1.0
#include <rill/token/bind_cancellation_slot.hpp>

#include <support/catch.hpp>

#include <rill/token/as_tuple.hpp>
#include <rill/token/detached.hpp>

#include <token/answer.hpp>

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

using rill::error_code;
using rill::engine::has_associated_cancellation_slot;
using token_test::async_answer;
using token_test::characteristics;

namespace {

/// An operation that ends only when it is cancelled.
struct initiate_wait {
    template <class Handler>
    void operator()(Handler&& handler) const {
        auto slot = rill::get_associated_cancellation_slot(handler);
        slot.assign([h = std::forward<Handler>(handler)](rill::cancellation_type) mutable {
            auto called = std::move(h);
            std::move(called)(error_code(rill::error::operation_aborted));
        });
    }
};

}  // namespace

TEST_CASE("an operation is cancelled by the slot of a bound handler", "[token][bind_cancellation_slot]") {
    rill::cancellation_signal signal;
    error_code got;
    auto handler = [&got, own = std::make_unique<int>()](error_code ec) { got = ec; };
    auto token = rill::bind_cancellation_slot(signal.slot(), std::move(handler));
    rill::async_initiate<decltype(token), void(error_code)>(initiate_wait(), token);
    CHECK(!got);
    signal.emit(rill::cancellation_type::total);
    CHECK(got == rill::error::operation_aborted);
}

TEST_CASE("a bound slot says nothing about other characteristics", "[token][bind_cancellation_slot]") {
    rill::cancellation_signal signal;
    auto bound = rill::bind_cancellation_slot(signal.slot(), [](int n) { return n + 1; });
    CHECK(token_test::characteristics_of(bound) == characteristics{0, 0, 0, true, signal.slot()});
    CHECK(bound.get_cancellation_slot() == signal.slot());
    CHECK(bound(1) == 2);
}

TEST_CASE("an adapted handler has a slot if one is bound inside or outside of it", "[token][bind_cancellation_slot]") {
    auto handler = [](auto) {};
    using plain = decltype(handler);
    using bound = rill::cancellation_slot_binder<plain, rill::cancellation_slot>;
    STATIC_REQUIRE(!has_associated_cancellation_slot<plain>);
    STATIC_REQUIRE(!has_associated_cancellation_slot<rill::engine::as_tuple_handler<plain>>);
    STATIC_REQUIRE(has_associated_cancellation_slot<bound>);
    STATIC_REQUIRE(has_associated_cancellation_slot<rill::engine::as_tuple_handler<bound>>);
    STATIC_REQUIRE(has_associated_cancellation_slot<
                   rill::cancellation_slot_binder<rill::engine::as_tuple_handler<plain>, rill::cancellation_slot>>);
}

TEST_CASE("the outer one of two bound slots counts", "[token][bind_cancellation_slot]") {
    rill::cancellation_signal outer;
    rill::cancellation_signal inner;
    auto bound = rill::bind_cancellation_slot(outer.slot(), rill::bind_cancellation_slot(inner.slot(), [] {}));
    CHECK(rill::get_associated_cancellation_slot(bound) == outer.slot());
    CHECK(rill::get_associated_cancellation_slot(bound.get()) == inner.slot());
}

TEST_CASE("bind_cancellation_slot without a token binds the default one", "[token][bind_cancellation_slot]") {
    rill::io_context ctx;
    rill::cancellation_signal signal;
    characteristics found;
    async_answer({&ctx, &found}, {}, 3, rill::bind_cancellation_slot(signal.slot()))(rill::detached);
    CHECK(found.slot == signal.slot());
    CHECK(ctx.run() == 1);
}
