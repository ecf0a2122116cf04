// SPDX-License-Identifier: BSL-1.0
#include <rill/token/defer.hpp>

#include <rill/token/post.hpp>

#include <support/catch.hpp>

#include <token/submissions.hpp>

#include <future>
#include <utility>
#include <vector>

namespace {

constexpr auto submit = []<class... Args>(Args&&... args) { return rill::defer(std::forward<Args>(args)...); };

}  // namespace

TEST_CASE("defer runs its handler on the executor", "[token][defer]") { submissions::runs_the_handler(submit); }

TEST_CASE("defer without a token is deferred", "[token][defer]") { submissions::is_deferred_by_default(submit); }

TEST_CASE("defer goes on to the executor that its handler has", "[token][defer]") {
    submissions::goes_on_to_the_handlers_executor(submit);
}

TEST_CASE("defer takes its memory from the handler's allocator", "[token][defer]") {
    submissions::uses_the_handlers_allocator(submit);
}

TEST_CASE("defer of a function passes its result to the handler", "[token][defer]") {
    submissions::passes_the_functions_result(submit);
}

TEST_CASE("defer of a function takes its result to the handler's executor", "[token][defer]") {
    submissions::takes_the_result_to_the_handlers_executor(submit);
}

TEST_CASE("defer of a function works on a strand", "[token][defer]") { submissions::works_on_a_strand(submit); }

TEST_CASE("defer destroys its function before the handler runs, and the handler if the function throws",
          "[token][defer]") {
    submissions::destroys_the_function_first(submit);
}

TEST_CASE("defer never runs the function inside of it", "[token][defer]") {
    rill::io_context context;
    std::vector<int> order;
    rill::post(context, [&] {
        rill::defer(context, [&order] { order.push_back(2); });
        rill::defer(
            context, [&order] { order.push_back(3); }, [&order] { order.push_back(4); });
        order.push_back(1);
    });
    context.run();
    CHECK(order == std::vector<int>{1, 2, 3, 4});
}
