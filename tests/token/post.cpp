// SPDX-License-Identifier: BSL-1.0
#include <rill/token/post.hpp>

#include <support/catch.hpp>

#include <token/submissions.hpp>

#include <future>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr auto submit = []<class... Args>(Args&&... args) { return rill::post(std::forward<Args>(args)...); };

}  // namespace

TEST_CASE("post runs its handler on the executor", "[token][post]") { submissions::runs_the_handler(submit); }

TEST_CASE("post without a token is deferred", "[token][post]") { submissions::is_deferred_by_default(submit); }

TEST_CASE("post goes on to the executor that its handler has", "[token][post]") {
    submissions::goes_on_to_the_handlers_executor(submit);
}

TEST_CASE("post takes its memory from the handler's allocator", "[token][post]") {
    submissions::uses_the_handlers_allocator(submit);
}

TEST_CASE("post of a function passes its result to the handler", "[token][post]") {
    submissions::passes_the_functions_result(submit);
}

TEST_CASE("post of a function takes its result to the handler's executor", "[token][post]") {
    submissions::takes_the_result_to_the_handlers_executor(submit);
}

TEST_CASE("post of a function works on a strand", "[token][post]") { submissions::works_on_a_strand(submit); }

TEST_CASE("post destroys its function before the handler runs, and the handler if the function throws",
          "[token][post]") {
    submissions::destroys_the_function_first(submit);
}

TEST_CASE("post never runs the function inside of it", "[token][post]") {
    rill::io_context context;
    std::vector<int> order;
    rill::post(context, [&] {
        rill::post(context, [&order] { order.push_back(2); });
        rill::post(
            context, [&order] { order.push_back(3); }, [&order] { order.push_back(4); });
        order.push_back(1);
    });
    context.run();
    CHECK(order == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("a function posted without an executor runs on the system's threads", "[token][post]") {
    std::future<std::thread::id> where = rill::post(
        rill::system_executor(), [] { return std::this_thread::get_id(); }, rill::use_future);
    CHECK(where.get() != std::this_thread::get_id());
    std::promise<std::thread::id> promise;
    rill::post([&promise] { promise.set_value(std::this_thread::get_id()); });
    CHECK(promise.get_future().get() != std::this_thread::get_id());
}
