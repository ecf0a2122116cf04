// SPDX-License-Identifier: BSL-1.0
#include <rill/execution/any_executor.hpp>

#include <rill/context/io_context.hpp>
#include <rill/context/system_context.hpp>
#include <rill/context/system_executor.hpp>
#include <rill/execution/any_completion_executor.hpp>
#include <rill/execution/any_io_executor.hpp>
#include <rill/execution/context_as.hpp>
#include <rill/execution/mapping.hpp>
#include <rill/execution/occupancy.hpp>

#include <support/catch.hpp>

#include <any>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

namespace execution = rill::execution;
using execution::any_executor;
using execution::blocking_t;
using execution::prefer_only;

namespace {

/// A user's property, with a value.
struct priority {
    template <class T>
    static constexpr bool is_applicable_property_v = execution::executor<T>;
    static constexpr bool is_requirable = true;
    static constexpr bool is_preferable = true;
    using polymorphic_query_result_type = int;

    int value_ = 0;
};

/// A user's property that can be asked for only, and answers with a reference.
struct journal {
    template <class T>
    static constexpr bool is_applicable_property_v = execution::executor<T>;
    using polymorphic_query_result_type = std::string&;
};

/// A user's executor: runs at once, has a priority and a journal, and is as large as it is told to.
template <std::size_t Size>
struct custom {
    std::string* written;
    int level = 0;
    char more[Size] = {};

    template <class Function>
    void execute(Function&& f) const {
        *written += std::to_string(level);
        auto function = std::forward<Function>(f);
        std::move(function)();
    }
    int query(priority) const { return level; }
    std::string& query(journal) const { return *written; }
    std::size_t query(execution::occupancy_t) const { return 3; }
    custom require(priority p) const { return {written, p.value_}; }
    friend bool operator==(const custom& a, const custom& b) noexcept { return a.level == b.level; }
};

/// Runs at once, and says so.
struct immediate {
    template <class Function>
    void execute(Function f) const {
        std::move(f)();
    }
    static constexpr blocking_t query(blocking_t) noexcept { return execution::blocking.always; }
    bool operator==(const immediate&) const noexcept { return true; }
};

using prioritised = any_executor<priority, journal, execution::occupancy_t>;
using small = custom<1>;
using large = custom<100>;

static_assert(std::is_convertible_v<small, prioritised> && std::is_convertible_v<large, prioritised>);
static_assert(!std::is_convertible_v<immediate, prioritised>);
static_assert(std::is_convertible_v<immediate, any_executor<prefer_only<priority>>>);
static_assert(std::is_convertible_v<immediate, any_executor<>>);
static_assert(!std::is_convertible_v<any_executor<>, prioritised>);
static_assert(std::is_convertible_v<prioritised, any_executor<journal>>);
static_assert(!std::is_convertible_v<any_executor<prefer_only<priority>>, any_executor<priority>>);
static_assert(std::is_nothrow_copy_constructible_v<prioritised> && execution::executor<prioritised>);
static_assert(rill::can_require_v<prioritised, priority> && rill::can_prefer_v<prioritised, priority>);
static_assert(!rill::can_require_v<prioritised, journal> && !rill::can_prefer_v<prioritised, journal>);
static_assert(!rill::can_require_v<any_executor<prefer_only<priority>>, priority>);
static_assert(std::is_same_v<rill::require_result_t<prioritised, priority>, prioritised>);
static_assert(std::is_same_v<rill::query_result_t<prioritised, journal>, std::string&>);
static_assert(!rill::can_require_v<prioritised, blocking_t::never_t>);

}  // namespace

TEST_CASE("an empty any_executor throws when it is used", "[execution][any_executor]") {
    prioritised empty, null(nullptr);
    CHECK_FALSE(empty);
    CHECK(empty == null);
    CHECK(empty == nullptr);
    CHECK(empty.target<small>() == nullptr);
    CHECK(empty.target_type() == typeid(void));
    CHECK_THROWS_AS(empty.execute([] {}), execution::bad_executor);
    CHECK_THROWS_AS(rill::query(empty, journal()), execution::bad_executor);
    CHECK_THROWS_AS(rill::require(empty, priority()), execution::bad_executor);
    CHECK_THROWS_AS(rill::prefer(empty, priority()), execution::bad_executor);
}

TEMPLATE_TEST_CASE("an any_executor has the user's properties of its target", "[execution][any_executor]", small,
                   large) {
    std::string written;
    const prioritised any = TestType{&written, 2};
    CHECK(any.target_type() == typeid(TestType));
    CHECK(any.target<TestType>()->level == 2);
    CHECK(any.target<immediate>() == nullptr);
    CHECK(rill::query(any, priority()) == 2);
    CHECK(&rill::query(any, journal()) == &written);
    CHECK(rill::query(any, execution::occupancy) == 3);
    const prioritised higher = rill::require(any, priority{5}), preferred = rill::prefer(any, priority{5});
    CHECK(rill::query(higher, priority()) == 5);
    CHECK(higher == preferred);
    CHECK(higher != any);
    int ran = 0;
    higher.execute([&ran, owned = std::make_unique<int>(1)] { ran += *owned; });
    any.execute([&ran] { ++ran; });
    CHECK(ran == 2);
    CHECK(written == "52");
}

TEMPLATE_TEST_CASE("an any_executor is copied, moved, assigned and swapped", "[execution][any_executor]", small,
                   large) {
    std::string written;
    prioritised a = TestType{&written, 1}, b = TestType{&written, 2}, empty;
    const prioritised first = a, second = b;
    a.swap(b);
    CHECK((a == second && b == first));
    swap(a, empty);
    CHECK_FALSE(a);
    CHECK(empty == second);
    a = std::move(b);
    CHECK(a == first);
    b = TestType{&written, 2};
    CHECK(b == second);
    b = nullptr;
    CHECK(b == nullptr);
    a.template target<TestType>()->level = 9;
    CHECK(rill::query(a, priority()) == 9);
    CHECK(prioritised(std::nothrow, TestType{&written, 2}) == second);
    CHECK(prioritised(std::nothrow, first) == first);
}

TEMPLATE_TEST_CASE("an any_executor converts to one that needs less, with the same target", "[execution][any_executor]",
                   small, large) {
    std::string written;
    const prioritised any = TestType{&written, 2};
    const any_executor<journal> fewer = any;
    CHECK(fewer.target<TestType>()->level == 2);
    CHECK(&rill::query(fewer, journal()) == &written);
    CHECK(fewer == any_executor<journal>(TestType{&written, 2}));
    CHECK(fewer != any_executor<journal>(TestType{&written, 3}));

    const any_executor<prefer_only<execution::outstanding_work_t::tracked_t>, prefer_only<priority>> others = any;
    CHECK(rill::query(rill::prefer(others, priority{4}), priority()) == 4);
    CHECK(rill::prefer(others, execution::outstanding_work.tracked) == others);
    CHECK(rill::query(others, execution::outstanding_work) == execution::outstanding_work.untracked);

    const any_executor<> least = rill::prefer(others, priority{7});
    CHECK(least.target<TestType>()->level == 7);
    const any_executor<prefer_only<priority>> without = any_executor<journal>(any);
    CHECK(rill::query(without, priority()) == 2);  // as of the target itself
    CHECK(without.target<TestType>()->level == 2);

    CHECK_FALSE(any_executor<journal>(prioritised()));
}

TEST_CASE("a property that only may be preferred is left out if the target has it not", "[execution][any_executor]") {
    const any_executor<prefer_only<priority>, prefer_only<blocking_t::never_t>> any = immediate();
    CHECK(rill::prefer(any, priority{5}) == any);
    CHECK(rill::query(any, priority()) == 0);
    CHECK(rill::query(any, execution::blocking) == execution::blocking.always);
    CHECK(rill::prefer(any, execution::blocking.never) == any);
}

TEST_CASE("a function for an executor that always blocks is lent", "[execution][any_executor]") {
    const any_executor<> any = immediate();
    int ran = 0;
    any.execute([&ran, owned = std::make_unique<int>(1)]() mutable { ran += *std::exchange(owned, nullptr); });
    CHECK(ran == 1);
    const any_executor<blocking_t::always_t, execution::mapping_t> system = rill::system_executor();
    CHECK(rill::query(system, execution::blocking) == execution::blocking.possibly);
    rill::require(system, execution::blocking.always).execute([&ran] { ++ran; });
    CHECK(ran == 2);
    CHECK(rill::query(system, execution::mapping) == execution::mapping.thread);
    CHECK_THROWS_AS(any.execute([] { throw 5; }), int);

    // What must be stored is moved there and back again.
    struct movable {
        movable(int& n, int& c) : moves(&n), calls(&c) {}
        movable(movable&& other) noexcept : moves(other.moves), calls(other.calls) { ++*moves; }
        void operator()() const { ++*calls; }
        int* moves;
        int* calls;
    };
    int moves = 0;
    any.execute(movable(moves, ran));
    CHECK(ran == 3);
    CHECK(moves == 1);
}

TEST_CASE("an any_executor knows its context as it is told to", "[execution][any_executor]") {
    rill::io_context ctx(1);
    const any_executor<execution::context_as_t<rill::io_context&>> exact = ctx.get_executor();
    rill::io_context& same = rill::query(exact, execution::context);
    CHECK(&same == &ctx);
    CHECK(&rill::query(exact, execution::context_as<rill::io_context&>) == &ctx);
    const any_executor<execution::context_as_t<rill::execution_context&>> as_base = ctx.get_executor();
    CHECK(&rill::query(as_base, execution::context) == &ctx);
    const any_executor<execution::context_t> as_any = ctx.get_executor();
    CHECK(std::any_cast<rill::io_context*>(rill::query(as_any, execution::context)) == &ctx);
    static_assert(!std::is_convertible_v<rill::io_context::executor_type,
                                         any_executor<execution::context_as_t<rill::system_context&>>>);
}

TEST_CASE("polymorphic executors convert among each other and reach the loop", "[execution][any_executor]") {
    rill::io_context ctx(1);
    const rill::any_io_executor io = ctx.get_executor();
    const any_executor<execution::context_as_t<rill::execution_context&>, blocking_t::never_t> general = io;
    CHECK(general.reference() == io.reference());
    const rill::any_completion_executor completion = general;
    CHECK(completion.target<rill::io_context::executor_type>() != nullptr);
    CHECK(completion == ctx.get_executor());
    int ran = 0;
    rill::require(general, execution::blocking.never).execute([&ran] { ++ran; });
    completion.execute([&ran] { ++ran; });
    CHECK(ran == 0);
    CHECK(ctx.run() == 2);
    CHECK(ran == 2);
    const any_executor<
        execution::context_as_t<rill::execution_context&>, blocking_t::never_t, prefer_only<blocking_t::possibly_t>,
        prefer_only<execution::outstanding_work_t::tracked_t>, prefer_only<execution::outstanding_work_t::untracked_t>,
        prefer_only<execution::relationship_t::fork_t>, prefer_only<execution::relationship_t::continuation_t>>
        as_io = io;
    CHECK(rill::any_io_executor(as_io) == io);
}
