// SPDX-License-Identifier: BSL-1.0
#include <rill/token/dispatch.hpp>

#include <rill/execution/any_io_executor.hpp>
#include <rill/token/post.hpp>

#include <support/catch.hpp>

#include <token/submissions.hpp>

#include <future>
#include <utility>
#include <vector>

namespace {

constexpr auto submit = []<class... Args>(Args&&... args) { return rill::dispatch(std::forward<Args>(args)...); };

}  // namespace

TEST_CASE("dispatch runs its handler on the executor", "[token][dispatch]") { submissions::runs_the_handler(submit); }

TEST_CASE("dispatch without a token is deferred", "[token][dispatch]") { submissions::is_deferred_by_default(submit); }

TEST_CASE("dispatch goes on to the executor that its handler has", "[token][dispatch]") {
    submissions::goes_on_to_the_handlers_executor(submit);
}

TEST_CASE("dispatch takes its memory from the handler's allocator", "[token][dispatch]") {
    submissions::uses_the_handlers_allocator(submit);
}

TEST_CASE("dispatch of a function passes its result to the handler", "[token][dispatch]") {
    submissions::passes_the_functions_result(submit);
}

TEST_CASE("dispatch of a function takes its result to the handler's executor", "[token][dispatch]") {
    submissions::takes_the_result_to_the_handlers_executor(submit);
}

TEST_CASE("dispatch of a function works on a strand", "[token][dispatch]") { submissions::works_on_a_strand(submit); }

TEST_CASE("dispatch destroys its function before the handler runs, and the handler if the function throws",
          "[token][dispatch]") {
    submissions::destroys_the_function_first(submit);
}

TEST_CASE("dispatch runs the function inside of it on the context's own thread", "[token][dispatch]") {
    rill::io_context context;
    std::vector<int> order;
    rill::post(context, [&] {
        rill::dispatch(context, [&order] { order.push_back(1); });
        rill::dispatch(
            context,
            [&order] {
                order.push_back(2);
                return 3;
            },
            [&order](int n) { order.push_back(n); });
        rill::dispatch(rill::bind_executor(context, [&order] { order.push_back(4); }));
        order.push_back(5);
    });
    CHECK(context.run() == 1);
    CHECK(order == std::vector<int>{1, 2, 3, 4, 5});
}

TEST_CASE("a function dispatched without an executor runs at once", "[token][dispatch]") {
    int calls = 0;
    rill::dispatch(submissions::move_only(calls));
    CHECK(calls == 1);
    rill::dispatch(
        rill::system_executor(), [] { return 4; }, [&calls](int n) { calls += n; });
    CHECK(calls == 5);
}

TEST_CASE("dispatch to an executor that never blocks runs after the call", "[token][dispatch]") {
    rill::io_context context;
    const auto never = rill::require(context.get_executor(), rill::execution::blocking.never);
    const auto strand = rill::require(rill::make_strand(context), rill::execution::blocking.never);
    int early = 0, calls = 0;
    rill::post(strand, [&] {
        rill::dispatch(never, [&] { ++calls; });
        rill::dispatch(rill::bind_executor(never, [&] { ++calls; }));
        rill::dispatch(strand, [&] { ++calls; });
        rill::dispatch(rill::any_io_executor(never), [&] { ++calls; });
        early = calls;
    });
    context.run();
    CHECK(early == 0);
    CHECK(calls == 4);
}
