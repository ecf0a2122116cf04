// SPDX-License-Identifier: BSL-1.0
#include <rill/token/make_work_guard.hpp>

#include <rill/context/io_context.hpp>
#include <rill/token/bind_executor.hpp>

#include <support/catch.hpp>

#include <type_traits>

namespace {

struct object_with_executor {
    using executor_type = rill::io_context::executor_type;
    executor_type get_executor() const noexcept { return context->get_executor(); }
    rill::io_context* context;
};

bool at_work(rill::io_context& context) {
    context.restart();
    context.poll();
    return !context.stopped();
}

}  // namespace

TEST_CASE("the work guard of an object is one of its associated executor", "[token][make_work_guard]") {
    rill::io_context context, other;
    const object_with_executor object{&context};
    {
        const auto guard = rill::make_work_guard(object);
        CHECK(guard.get_executor() == context.get_executor());
        CHECK(at_work(context));
    }
    CHECK(!at_work(context));
    {
        const auto guard = rill::make_work_guard(object, other);
        CHECK(at_work(context));
        CHECK(!at_work(other));
    }
    {
        const auto guard = rill::make_work_guard(rill::bind_executor(context, [] {}), other.get_executor());
        CHECK(at_work(context));
        CHECK(!at_work(other));
    }
}

TEST_CASE("an object without an associated executor has the given one guarded, or system_executor",
          "[token][make_work_guard]") {
    rill::io_context context;
    const auto function = [] {};
    {
        const auto guard = rill::make_work_guard(function, context);
        CHECK(at_work(context));
    }
    {
        const auto guard = rill::make_work_guard(function, context.get_executor());
        CHECK(at_work(context));
    }
    CHECK(!at_work(context));
    const auto guard = rill::make_work_guard(function);
    STATIC_REQUIRE(std::is_same_v<decltype(guard)::executor_type, rill::system_executor>);
    CHECK(guard.owns_work());
}
