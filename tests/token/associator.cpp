// SPDX-License-Identifier: BSL-1.0
#include <rill/token/associator.hpp>

#include <support/catch.hpp>

#include <rill/token/associated_allocator.hpp>
#include <rill/token/associated_cancellation_slot.hpp>
#include <rill/token/associated_executor.hpp>
#include <rill/token/associated_immediate_executor.hpp>

#include <rill/context/strand.hpp>

#include <token/answer.hpp>

#include <functional>
#include <type_traits>

using token_test::numbered_allocator;
using token_test::numbered_executor;

namespace {

struct plain {};

struct by_members {
    using executor_type = numbered_executor;
    using allocator_type = numbered_allocator<void>;
    using cancellation_slot_type = rill::cancellation_slot;
    using immediate_executor_type = numbered_executor;

    rill::cancellation_slot slot;

    executor_type get_executor() const noexcept { return {nullptr, 1}; }
    allocator_type get_allocator() const noexcept { return allocator_type(2); }
    cancellation_slot_type get_cancellation_slot() const noexcept { return slot; }
    immediate_executor_type get_immediate_executor() const noexcept { return {nullptr, 4}; }
};

struct by_specialisation {
    int number;
};

/// A user's adapter.
template <class Inner>
struct wrapping {
    Inner inner;
};

/// A user's characteristic, made of nothing but associator.
template <class T, class Candidate>
struct associated_colour : rill::associator<associated_colour, T, Candidate> {};
template <class Candidate>
struct associated_colour<plain, Candidate> {
    using type = int;
    static int get(const plain&, const Candidate& = Candidate()) noexcept { return 7; }
};

}  // namespace

template <class Executor>
struct rill::associated_executor<by_specialisation, Executor> {
    using type = numbered_executor;
    static type get(const by_specialisation& t, const Executor& = Executor()) noexcept { return {nullptr, t.number}; }
};

template <template <class, class> class Associator, class Inner, class Candidate>
struct rill::associator<Associator, wrapping<Inner>, Candidate> {
    using type = typename Associator<Inner, Candidate>::type;
    static decltype(auto) get(const wrapping<Inner>& w) noexcept { return Associator<Inner, Candidate>::get(w.inner); }
    static decltype(auto) get(const wrapping<Inner>& w, const Candidate& c) noexcept {
        return Associator<Inner, Candidate>::get(w.inner, c);
    }
};

TEST_CASE("a type that says nothing gets the candidates", "[token][associator]") {
    const numbered_executor candidate{nullptr, 9};
    CHECK(rill::get_associated_executor(plain(), candidate) == candidate);
    CHECK(rill::get_associated_allocator(plain(), numbered_allocator<void>(9)).number == 9);
    CHECK(!rill::get_associated_cancellation_slot(plain()).is_connected());
    CHECK(rill::get_associated_executor(plain()) == rill::system_executor());

    STATIC_REQUIRE(!rill::engine::has_associated_executor<plain>);
    STATIC_REQUIRE(!rill::engine::has_associated_cancellation_slot<plain>);
    STATIC_REQUIRE(!rill::engine::has_associated_immediate_executor<plain>);
    STATIC_REQUIRE(std::is_same_v<rill::associated_allocator_t<plain>, std::allocator<void>>);
}

TEST_CASE("a candidate may be a context", "[token][associator]") {
    rill::io_context ctx;
    CHECK(rill::get_associated_executor(plain(), ctx) == ctx.get_executor());
}

TEST_CASE("members come before candidates", "[token][associator]") {
    rill::cancellation_signal signal;
    const by_members t{signal.slot()};
    const auto found = token_test::characteristics_of(t);
    CHECK(found == token_test::characteristics{1, 2, 4, true, signal.slot()});
    CHECK(rill::get_associated_executor(t, numbered_executor{nullptr, 9}).number == 1);
    CHECK(rill::get_associated_allocator(t, std::allocator<void>()).number == 2);
    CHECK(rill::get_associated_cancellation_slot(t, rill::cancellation_slot()) == signal.slot());
}

TEST_CASE("a specialisation for a type counts as its own", "[token][associator]") {
    CHECK(rill::get_associated_executor(by_specialisation{5}, numbered_executor{nullptr, 9}).number == 5);
    STATIC_REQUIRE(rill::engine::has_associated_executor<by_specialisation>);
}

TEST_CASE("a user's adapter forwards every characteristic by one specialisation", "[token][associator]") {
    rill::cancellation_signal signal;
    const wrapping<wrapping<by_members>> w{{{signal.slot()}}};
    CHECK(token_test::characteristics_of(w) == token_test::characteristics{1, 2, 4, true, signal.slot()});
    CHECK(rill::get_associated_executor(wrapping<by_specialisation>{{6}}).number == 6);
    CHECK(token_test::characteristics_of(wrapping<plain>()) == token_test::characteristics());
}

TEST_CASE("a user's characteristic passes through adapters", "[token][associator]") {
    STATIC_REQUIRE(std::is_same_v<associated_colour<wrapping<plain>, char>::type, int>);
    CHECK(associated_colour<wrapping<plain>, char>::get(wrapping<plain>()) == 7);
}

TEST_CASE("the immediate executor, not being chosen, is the candidate, made never to block", "[token][associator]") {
    rill::io_context ctx;
    const auto ex = rill::get_associated_immediate_executor(plain(), ctx.get_executor());
    CHECK(rill::query(ex, rill::execution::blocking) == rill::execution::blocking.never);
}

TEST_CASE("a reference_wrapper is associated with what its target is", "[token][associator]") {
    by_members target;
    const auto r = std::ref(target);
    const auto c = std::cref(target);
    CHECK(rill::get_associated_executor(r).number == 1);
    CHECK(rill::get_associated_executor(c).number == 1);
    CHECK(rill::get_associated_executor(r, rill::system_executor()).number == 1);
    CHECK(rill::get_associated_allocator(r).number == 2);
    CHECK(rill::get_associated_immediate_executor(r, rill::system_executor()).number == 4);
    STATIC_REQUIRE(rill::engine::has_associated_cancellation_slot<std::reference_wrapper<by_members>>);
    STATIC_REQUIRE(!rill::engine::has_associated_executor<std::reference_wrapper<plain>>);
    const plain p;
    CHECK(associated_colour<std::reference_wrapper<const plain>, int>::get(std::cref(p), 3) == 7);
}

TEST_CASE("the immediate executor of what has none is the candidate, which never blocks", "[token][associator]") {
    rill::io_context ctx;
    const auto strand = rill::make_strand(ctx);
    using association = rill::associated_immediate_executor<plain, rill::strand<rill::io_context::executor_type>>;
    rill::associated_immediate_executor_t<plain, std::decay_t<decltype(strand)>> ex =
        rill::get_associated_immediate_executor(plain(), strand);
    CHECK(rill::query(ex, rill::execution::blocking) == rill::execution::blocking.never);
    CHECK(rill::query(association::get(plain(), strand), rill::execution::blocking) == rill::execution::blocking.never);
    CHECK(rill::query(rill::get_associated_immediate_executor(plain(), ctx), rill::execution::blocking) ==
          rill::execution::blocking.never);
    CHECK(rill::get_associated_immediate_executor(by_members(), ctx).number == 4);
}
