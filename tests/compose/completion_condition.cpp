// SPDX-License-Identifier: BSL-1.0
#include <rill/compose/completion_condition.hpp>

#include <support/catch.hpp>

#include <memory>

using rill::error_code;
using rill::engine::bytes_of_next_step;
using rill::engine::most_bytes_per_step;

namespace {

const error_code failure = rill::error::eof;

struct handler {
    void operator()(error_code, std::size_t) {}
};

static_assert(rill::completion_condition<decltype(rill::transfer_all())>);
static_assert(rill::completion_condition<decltype(rill::transfer_at_least(1))>);
static_assert(rill::completion_condition<decltype(rill::transfer_exactly(1))>);
static_assert(rill::completion_condition<std::size_t (*)(const error_code&, std::size_t)>);
static_assert(rill::completion_condition<bool (*)(error_code, std::size_t)>);
static_assert(!rill::completion_condition<handler>);
static_assert(!rill::completion_condition<int (*)(error_code, std::size_t)>);
static_assert(!rill::completion_condition<error_code>);
static_assert(!rill::completion_condition<int>);

}  // namespace

TEST_CASE("transfer_all goes on until an error", "[compose][completion_condition]") {
    auto condition = rill::transfer_all();
    CHECK(condition(error_code(), 0) > 0);
    CHECK(condition(error_code(), 1'000'000'000) > 0);
    CHECK(condition(failure, 0) == 0);
}

TEST_CASE("transfer_at_least goes on until there are enough bytes", "[compose][completion_condition]") {
    auto condition = rill::transfer_at_least(10);
    CHECK(condition(error_code(), 0) >= 10);
    CHECK(condition(error_code(), 9) > 1);
    CHECK(condition(error_code(), 10) == 0);
    CHECK(condition(error_code(), 11) == 0);
    CHECK(condition(failure, 3) == 0);
    CHECK(rill::transfer_at_least(0)(error_code(), 0) == 0);
}

TEST_CASE("transfer_exactly never asks for more than the rest", "[compose][completion_condition]") {
    auto condition = rill::transfer_exactly(10);
    CHECK(condition(error_code(), 0) == 10);
    CHECK(condition(error_code(), 9) == 1);
    CHECK(condition(error_code(), 10) == 0);
    CHECK(condition(error_code(), 11) == 0);
    CHECK(condition(failure, 3) == 0);
    CHECK(rill::transfer_exactly(static_cast<std::size_t>(-1))(error_code(), 0) == most_bytes_per_step);
}

TEST_CASE("a condition that returns bool says whether the transfer is done", "[compose][completion_condition]") {
    auto five = [](const error_code& ec, std::size_t n) { return ec || n >= 5; };
    CHECK(bytes_of_next_step(five, error_code(), 4) == most_bytes_per_step);
    CHECK(bytes_of_next_step(five, error_code(), 5) == 0);
    CHECK(bytes_of_next_step(five, failure, 0) == 0);
}

TEST_CASE("a condition may be move-only and may change itself", "[compose][completion_condition]") {
    auto twice = [left = std::make_unique<int>(2)](error_code, std::size_t) mutable -> std::size_t {
        return (*left)-- > 0 ? 7 : 0;
    };
    CHECK(bytes_of_next_step(twice, error_code(), 0) == 7);
    CHECK(bytes_of_next_step(twice, error_code(), 7) == 7);
    CHECK(bytes_of_next_step(twice, error_code(), 14) == 0);
}
