// SPDX-License-Identifier: BSL-1.0
#include <rill/io/socket_handle.hpp>

#include <rill/context/io_context.hpp>
#include <rill/ip/tcp.hpp>

#include <support/bare_sockets.hpp>
#include <support/capabilities.hpp>
#include <support/catch.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <memory>
#include <thread>

using rill::ip::tcp;

TEST_CASE("a listener that is closed gives its port back at once, whichever thread closes it", "[io][socket_handle]") {
    rill::io_context ctx(GENERATE(1, 2));
    const auto guard = [&] { return rill::require(ctx.get_executor(), rill::execution::outstanding_work.tracked); };
    auto work = std::make_unique<decltype(guard())>(guard());
    std::thread runner([&] { ctx.run(); });
    std::atomic<int> aborted{0};
    int taken = 0;
    for (int i = 0; i < 100; ++i) {
        tcp::socket listener(ctx, tcp::v4());
        listener.set_option(rill::socket_base::reuse_address(true));
        listener.bind({rill::ip::address_v4::loopback(), 0});
        CHECK(bare::listen(listener.native_handle(), 5));
        const auto endpoint = listener.local_endpoint();
        listener.async_wait(rill::socket_base::wait_read,
                            [&](rill::error_code ec) { aborted += ec == rill::error::operation_aborted; });
        if (i % 2)
            for (int k = 0; k < 50; ++k)
                std::this_thread::yield();  // so that the loop sleeps with it
        listener.close();
        tcp::socket next(ctx, tcp::v4());
        next.set_option(rill::socket_base::reuse_address(true));
        rill::error_code ec;
        next.bind(endpoint, ec);
        if (ec && TEST_FREES_ADDRESSES_LATE)
            soon([&] {
                next.bind(endpoint, ec);
                return !ec;
            });
        taken += ec.failed();
    }
    work.reset();
    runner.join();
    CHECK(taken == 0);
    CHECK(aborted == 100);
}
