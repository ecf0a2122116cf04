// SPDX-License-Identifier: BSL-1.0
#include <rill/engine/request/lent_memory.hpp>

#include <rill/io/basic_stream_socket.hpp>

#include <io/loopback.hpp>
#include <support/alone.hpp>

#include <memory>
#include <optional>
#include <string>

// What AddressSanitizer says of buffers that are gone before their operation has ended, also where only the kernel used them,
// and where nothing did.

#if RILL_ADDRESS_SANITIZER

using namespace loopback;
using rill::io_context;

namespace {

/// A read that waits, on a loop that has handed it to the system.
struct waiting_read {
    explicit waiting_read(int hint) {
        context.emplace(hint);
        socket.emplace(*context);
        peer.emplace(*context);
        connect(*socket, *peer);
        socket->async_read_some(rill::buffer(*memory), [](rill::error_code, std::size_t) {});
        context->poll();
    }

    std::unique_ptr<std::string> memory = std::make_unique<std::string>(100, ' ');
    std::optional<io_context> context;
    std::optional<tcp::socket> socket, peer;
};

template <class Ending>
void end_a_read(int hint, Ending ending) {
    end_soon();
    waiting_read r(hint);
    ending(r);
    r.context.reset();
}

}  // namespace

TEST_CASE("alone a read is cancelled whose buffer is there", "[.]") {
    for (int hint : {solo, shared})
        end_a_read(hint, [](waiting_read& r) {
            r.socket->cancel();
            r.context->run();
            r.memory.reset();
        });
}

TEST_CASE("alone a read is cancelled whose buffer is gone", "[.]") {
    end_a_read(solo, [](waiting_read& r) {
        r.memory.reset();
        r.socket->cancel();
        r.context->run();
    });
}

TEST_CASE("alone a read receives whose buffer is gone", "[.]") {
    end_a_read(shared, [](waiting_read& r) {
        r.memory.reset();
        r.peer->write_some(rill::buffer("abc", 3));
        r.context->run();
    });
}

TEST_CASE("alone a context is destroyed with a read whose buffer is gone", "[.]") {
    end_a_read(solo, [](waiting_read& r) {
        r.memory.reset();
        r.context.reset();
    });
}

TEST_CASE("alone a write ends whose buffer is gone", "[.]") {
    end_soon();
    io_context context(shared);
    tcp::socket socket(context), peer(context);
    connect(socket, peer);
    auto memory = std::make_unique<std::string>(1'000'000, 'x');
    int pending = 0;
    while (pending != 40) {  // more than the system takes
        socket.async_write_some(rill::buffer(*memory), [](rill::error_code, std::size_t) {});
        ++pending;
    }
    context.poll();
    memory.reset();
    socket.cancel();
    context.run();
}

TEST_CASE("a buffer that has died before its operation ended is reported", "[io][memory]") {
    const ending good = run_alone("alone a read is cancelled whose buffer is there");
    INFO(good.output);
    CHECK(good.exit_code == 0);
    for (const char* test :
         {"alone a read is cancelled whose buffer is gone", "alone a read receives whose buffer is gone",
          "alone a context is destroyed with a read whose buffer is gone", "alone a write ends whose buffer is gone"}) {
        const ending e = run_alone(test);
        INFO(test << '\n' << e.output);
        CHECK(e.says("heap-use-after-free"));
        CHECK((e.signal != 0 || e.exit_code != 0));
    }
}

#endif
