// SPDX-License-Identifier: BSL-1.0
#include <rill/compose/kept_results.hpp>

#include <support/catch.hpp>

#include <memory>
#include <string>

using namespace rill::engine;
using rill::error_code;

TEST_CASE("results are kept and handed out by moving", "[compose][kept_results]") {
    kept_results<void(error_code, std::unique_ptr<int>)> kept;
    kept.emplace(error_code(rill::error::eof), std::make_unique<int>(3));
    int calls = 0;
    kept.visit([&](error_code ec, std::unique_ptr<int> p) {
        ++calls;
        CHECK(ec == rill::error::eof);
        CHECK(*p == 3);
    });
    CHECK(calls == 1);
}

TEST_CASE("results that nobody takes are destroyed", "[compose][kept_results]") {
    auto life = std::make_shared<int>();
    {
        kept_results<void(), void(std::shared_ptr<int>) noexcept> kept, empty;
        kept.emplace(life);
        CHECK(life.use_count() == 2);
        empty.visit([](auto&&...) { FAIL("there is nothing"); });
    }
    CHECK(life.use_count() == 1);
}

TEST_CASE("of several signatures the one that was meant is kept", "[compose][kept_results]") {
    std::string called;
    auto note = [&]<class... Results>(Results&&...) {
        if constexpr (std::is_same_v<std::tuple<std::decay_t<Results>...>, std::tuple<int>>)
            called = "int";
        else if constexpr (std::is_same_v<std::tuple<std::decay_t<Results>...>, std::tuple<long>>)
            called = "long";
        else if constexpr (sizeof...(Results) == 0)
            called = "nothing";
        else
            called = "string";
    };
    kept_results<void(int), void(long), void(), void(const std::string&)> kept;
    SECTION("exactly") {
        kept.emplace(1l);
        kept.visit(note);
        CHECK(called == "long");
    }
    SECTION("by its number") {
        kept.emplace();
        kept.visit(note);
        CHECK(called == "nothing");
    }
    SECTION("by conversion") {
        kept.emplace("text");
        kept.visit(note);
        CHECK(called == "string");
    }
}

TEST_CASE("what tells of a failure is found in front, and inside of a tuple", "[compose][kept_results]") {
    error_code aborted = rill::error::operation_aborted, eof = rill::error::eof;
    std::tuple<error_code, int> in_tuple(aborted, 3);
    int number = 3;
    tell_timed_out(aborted);
    tell_timed_out(eof);
    tell_timed_out(in_tuple);
    tell_timed_out(number);
    CHECK(aborted == rill::error::timed_out);
    CHECK(eof == rill::error::eof);
    CHECK(std::get<0>(in_tuple) == rill::error::timed_out);
    CHECK(number == 3);
}
