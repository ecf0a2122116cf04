// SPDX-License-Identifier: BSL-1.0
#include <rill/token/with_defaults.hpp>

#include <support/catch.hpp>

#include <rill/context/io_context.hpp>
#include <rill/coroutine/use_awaitable.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/ip/tcp.hpp>

#include <chrono>
#include <type_traits>
#include <utility>

namespace {

/// A token of a user's: counts completions in a variable of the program.
struct counting {
    static inline int completions = 0;

    template <class... Args>
    void operator()(const Args&...) const {
        ++completions;
    }
};

}  // namespace

TEST_CASE("any token that can be made of nothing can be an object's default one", "[token][with_defaults]") {
    rill::io_context ctx;
    auto timer = rill::with_defaults<counting>(rill::steady_timer(ctx, std::chrono::seconds(-1)));
    STATIC_REQUIRE(std::is_same_v<decltype(timer), rill::with_defaults_t<counting, rill::steady_timer>>);
    counting::completions = 0;
    timer.async_wait();
    ctx.run();
    CHECK(counting::completions == 1);
}

TEST_CASE("with_defaults() makes what as_default_on() makes", "[token][with_defaults]") {
    using rill::ip::tcp;
    STATIC_REQUIRE(std::is_same_v<rill::with_defaults_t<rill::use_awaitable_t<>, tcp::socket>,
                                  rill::use_awaitable_t<>::as_default_on_t<tcp::socket>>);
}
