// SPDX-License-Identifier: BSL-1.0
#pragma once

// What must hold of post(), dispatch() and defer() alike. Submit is one of them, as a function object.

#include <rill/context/io_context.hpp>
#include <rill/context/strand.hpp>
#include <rill/context/system_executor.hpp>
#include <rill/token/bind_allocator.hpp>
#include <rill/token/bind_executor.hpp>
#include <rill/token/deferred.hpp>
#include <rill/token/use_future.hpp>

#include <support/catch.hpp>

#include <token/answer.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace submissions {

using namespace std::chrono_literals;

template <class T>
bool is_ready(std::future<T>& f) {
    return f.wait_for(0s) == std::future_status::ready;
}

inline auto move_only(int& calls) {
    return [&calls, m = std::make_unique<int>()] { ++calls; };
}

/// Every overload without a function of its own.
template <class Submit>
void runs_the_handler(Submit submit) {
    rill::io_context context;
    int calls = 0;
    submit(context, move_only(calls));
    submit(context.get_executor(), move_only(calls));
    submit(rill::bind_executor(context, move_only(calls)));
    const auto named = [&calls] { ++calls; };
    submit(context, named);
    CHECK(calls == 0);
    CHECK(context.run() == 4);
    CHECK(calls == 4);
}

/// Without a token the operation is deferred: nothing happens until it is given one.
template <class Submit>
void is_deferred_by_default(Submit submit) {
    rill::io_context context;
    int calls = 0;
    auto with_context = submit(context);
    auto with_executor = submit(context.get_executor());
    auto alone = submit();
    CHECK(context.run() == 0);
    std::move(with_context)(move_only(calls));
    std::move(with_executor)(move_only(calls));
    std::move(alone)(rill::bind_executor(context, move_only(calls)));
    context.restart();
    CHECK(context.run() == 3);
    CHECK(calls == 3);
}

/// From the executor that is named to the one that the handler has.
template <class Submit>
void goes_on_to_the_handlers_executor(Submit submit) {
    rill::io_context context, own;
    int calls = 0;
    submit(context, rill::bind_executor(own, move_only(calls)));
    CHECK(own.poll() == 0);
    CHECK(!own.stopped());  // it waits for what is on its way
    CHECK(context.run() == 1);
    CHECK(calls == 0);
    CHECK(own.run() == 1);
    CHECK(calls == 1);

    context.restart();
    submit(context, rill::bind_executor(context, move_only(calls)));
    CHECK(context.run() == 1);  // the same executor: no second hop
    CHECK(calls == 2);
}

template <class Submit>
void uses_the_handlers_allocator(Submit submit) {
    rill::io_context context;
    std::size_t allocations = 0;
    int calls = 0;
    submit(context, rill::bind_allocator(token_test::numbered_allocator<void>(1, &allocations), move_only(calls)));
    CHECK(allocations == 1);
    submit(
        context, [] { return 1; },
        rill::bind_allocator(token_test::numbered_allocator<void>(1, &allocations), [&calls](int) { ++calls; }));
    CHECK(allocations == 2);
    context.run();
    CHECK(calls == 2);
}

/// A function and a token: the handler gets the function's result.
template <class Submit>
void passes_the_functions_result(Submit submit) {
    rill::io_context context;
    std::vector<std::string> order;
    submit(
        context,
        [&order, m = std::make_unique<int>(3)] {
            order.push_back("function");
            return std::make_unique<int>(*m + 1);
        },
        [&order, m = std::make_unique<int>()](std::unique_ptr<int> result) {
            order.push_back("handler " + std::to_string(*result));
        });
    CHECK(order.empty());
    CHECK(context.run() == 1);
    CHECK(order == std::vector<std::string>{"function", "handler 4"});

    // Nothing, a reference, a const value; and the tokens that return something.
    context.restart();
    bool handled = false;
    submit(
        context.get_executor(), [] {}, [&handled] { handled = true; });
    static int number = 5;
    std::future<int> of_reference = submit(
        context, []() -> int& { return number; }, rill::use_future);
    auto later = submit(
        context, []() -> const std::string { return "text"; }, rill::deferred);
    STATIC_REQUIRE(std::is_same_v<rill::completion_signature_of_t<decltype(later)>, void(std::string)>);
    std::future<std::string> of_value = std::move(later)(rill::use_future);
    std::future<void> of_nothing = submit(
        context, [] {}, rill::use_future);
    context.run();
    CHECK(handled);
    REQUIRE(is_ready(of_reference));
    CHECK(of_reference.get() == 5);
    REQUIRE(is_ready(of_value));
    CHECK(of_value.get() == "text");
    REQUIRE(is_ready(of_nothing));
}

/// The function runs on the executor that is named, the handler on its own.
template <class Submit>
void takes_the_result_to_the_handlers_executor(Submit submit) {
    rill::io_context context, own;
    bool function_ran = false;
    int result = 0;
    submit(
        context,
        [&function_ran] {
            function_ran = true;
            return 9;
        },
        rill::bind_executor(own, [&result](int n) { result = n; }));
    CHECK(own.poll() == 0);
    CHECK(!own.stopped());
    CHECK(!function_ran);
    CHECK(context.run() == 1);
    CHECK(function_ran);
    CHECK(result == 0);
    CHECK(own.run() == 1);
    CHECK(result == 9);
    own.restart();
    CHECK(own.run() == 0);
}

/// A strand has its own way to be posted to.
template <class Submit>
void works_on_a_strand(Submit submit) {
    rill::io_context context;
    const auto strand = rill::make_strand(context);
    bool on_strand = false;
    int result = 0;
    submit(
        strand,
        [&] {
            on_strand = strand.running_in_this_thread();
            return 3;
        },
        rill::bind_executor(strand, [&](int n) { result = strand.running_in_this_thread() ? n : -1; }));
    CHECK(!on_strand);
    context.run();
    CHECK(on_strand);
    CHECK(result == 3);
}

/// The function is destroyed before the handler runs; and the handler uncalled, if the function throws.
template <class Submit>
void destroys_the_function_first(Submit submit) {
    rill::io_context context;
    auto of_function = std::make_shared<int>();
    std::weak_ptr<int> watch = of_function;
    bool gone = false;
    submit(
        context, [f = std::move(of_function)] { return 1; }, [&](int) { gone = watch.expired(); });
    context.run();
    CHECK(gone);

    context.restart();
    auto of_handler = std::make_shared<int>();
    watch = of_handler;
    int calls = 0;
    submit(
        context, []() -> int { throw std::runtime_error("x"); }, [&calls, h = std::move(of_handler)](int) { ++calls; });
    CHECK_THROWS_AS(context.run(), std::runtime_error);
    CHECK(calls == 0);
    CHECK(watch.expired());
    CHECK(context.run() == 0);
}

}  // namespace submissions
