// SPDX-License-Identifier: BSL-1.0
#include <rill/token/uses_executor.hpp>

#include <rill/context/system_executor.hpp>
#include <rill/token/bind_executor.hpp>

#include <support/catch.hpp>

namespace {

struct any_executor {};
struct made_with_executor {
    made_with_executor(rill::executor_arg_t, any_executor) {}
};

}  // namespace

template <>
struct rill::uses_executor<made_with_executor, any_executor> : std::true_type {};

TEST_CASE("a type uses an executor if its author says so", "[token][uses_executor]") {
    STATIC_REQUIRE(rill::uses_executor<made_with_executor, any_executor>::value);
    STATIC_REQUIRE(!rill::uses_executor<made_with_executor, int>::value);
    STATIC_REQUIRE(!rill::uses_executor<int, any_executor>::value);
    [[maybe_unused]] const made_with_executor made(rill::executor_arg, any_executor());
}

namespace {

/// A handler that must know where it runs.
struct knowing {
    rill::system_executor executor;
    int value;
    bool told = false;

    knowing(rill::system_executor ex, int v) : executor(ex), value(v) {}
    knowing(rill::executor_arg_t, const rill::system_executor& ex, int v) : executor(ex), value(v), told(true) {}
    knowing(rill::executor_arg_t, const rill::system_executor& ex, knowing&& other)
        : executor(ex), value(other.value), told(true) {}
    int operator()() const { return value; }
};

}  // namespace

template <>
struct rill::uses_executor<knowing, rill::system_executor> : std::true_type {};

TEST_CASE("bind_executor tells the executor to a handler that uses it", "[token][uses_executor]") {
    const rill::system_executor ex;
    const auto bound = rill::bind_executor(ex, knowing(ex, 3));
    CHECK(bound.get().told);
    CHECK(bound() == 3);
    const rill::executor_binder<knowing, rill::system_executor> made(ex, 4);
    CHECK(made.get().told);
    CHECK(made() == 4);
    // The handler inside of a binder of this executor is told, too.
    CHECK(rill::bind_executor(ex, rill::bind_executor(ex, knowing(ex, 5))).get().get().told);
}

TEST_CASE("what bind_executor makes uses its executor", "[token][uses_executor]") {
    using binder = rill::executor_binder<int (*)(), rill::system_executor>;
    STATIC_REQUIRE(rill::uses_executor<binder, rill::system_executor>::value);
    STATIC_REQUIRE(!rill::uses_executor<binder, any_executor>::value);
    const binder made(rill::executor_arg, rill::system_executor(), [] { return 7; });
    CHECK(made() == 7);
}
