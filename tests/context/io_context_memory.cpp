// SPDX-License-Identifier: BSL-1.0
#include <rill/context/io_context.hpp>

#include <rill/context/executor_work_guard.hpp>
#include <rill/engine/driver/reactor.hpp>
#include <rill/io/steady_timer.hpp>
#include <rill/local/connect_pair.hpp>
#include <rill/local/stream_protocol.hpp>
#include <rill/token/post.hpp>

#include <support/backends.hpp>
#include <support/capabilities.hpp>
#include <support/catch.hpp>
#include <support/counting_allocator.hpp>

#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <vector>

#if TEST_HAS_PROC
#include <dirent.h>
#include <unistd.h>
#endif

using rill::io_context;
using local_socket = rill::local::stream_protocol::socket;

namespace {

class own_service final : public io_context::service {
public:
    explicit own_service(io_context& ctx) : service(ctx) {}

private:
    void shutdown() override {}
};

#if TEST_HAS_PROC
/// How many handles of a kind this process has.
int count_handles(const std::string& kind) {
    int n = 0;
    ::DIR* folder = ::opendir("/proc/self/fd");
    while (const ::dirent* entry = ::readdir(folder)) {
        char target[100] = {};
        if (::readlinkat(::dirfd(folder), entry->d_name, target, sizeof(target) - 1) > 0)
            n += target == kind;
    }
    ::closedir(folder);
    return n;
}
#endif

/// Lets so many sockets wait, and ends that. How many did wait.
std::size_t use(io_context& ctx, std::size_t connections) {
    std::vector<local_socket> sockets, peers;
    std::size_t waited = 0;
    char byte;
    for (std::size_t i = 0; i != connections; ++i) {
        local_socket& mine = sockets.emplace_back(ctx);
        rill::local::connect_pair(mine, peers.emplace_back(ctx));
        mine.async_read_some(rill::buffer(&byte, 1),
                             [&](rill::error_code ec, std::size_t) { waited += ec == rill::error::operation_aborted; });
    }
    rill::post(ctx, [&] { sockets.clear(); });
    ctx.restart();
    ctx.run();
    return waited;
}

}  // namespace

TEST_CASE("a service may be made with an io_context", "[context][io_context]") {
    io_context ctx;
    CHECK(&rill::use_service<own_service>(ctx).get_io_context() == &ctx);
    CHECK(&rill::make_work_guard(ctx).get_executor().context() == &ctx);
}

TEST_CASE("what a context keeps for long lies in memory of its allocator", "[context][io_context][memory]") {
    const int hint = GENERATE(1, 2);
    const auto backend = GENERATE(from_range(backends::all()));
    allocation_counts counts;
    {
        io_context ctx(std::allocator_arg, counting_allocator<char>(counts), hint, backend);
        const std::size_t bytes = counts.bytes;
        CHECK(bytes > sizeof(rill::engine::loop));
        CHECK(rill::loop_of_context(ctx)->solo() == (hint == 1));
        rill::use_service<own_service>(ctx);
        CHECK(counts.bytes >= bytes + sizeof(own_service));
        CHECK(use(ctx, 100) == 100);
        CHECK(counts.bytes >= bytes + 100 * sizeof(rill::engine::registration));
        const std::size_t all = counts.all_blocks;
        CHECK(use(ctx, 100) == 100);
        CHECK(counts.all_blocks == all);  // what was made for the first hundred is there for the others
    }
    CHECK(counts.blocks == 0);
    CHECK(counts.bytes == 0);
}

TEST_CASE("a guard that outlives its context keeps the allocator's memory", "[context][io_context][memory]") {
    allocation_counts counts;
    {
        std::optional<io_context> ctx(std::in_place, std::allocator_arg, counting_allocator<int>(counts));
        auto guard = rill::make_work_guard(*ctx);
        ctx.reset();
        CHECK(counts.blocks == 2);  // the loop, and the allocator's copy
    }
    CHECK(counts.blocks == 0);
}

TEST_CASE("an allocator that is empty makes operations or the context fail, and loses nothing",
          "[context][io_context][memory]") {
    allocation_counts counts;
    const rill::config_from_string config("scheduler.concurrency_hint=1\nreactor.preallocated_io_objects=64");
    bool enough = false;
    for (std::size_t most = 0; !enough; ++most) {
        counts = {};
        counts.most = most;
        try {
            io_context ctx(std::allocator_arg, counting_allocator<char>(counts), config);
            enough = true;
            CHECK(counts.blocks > 5);
        } catch (const std::bad_alloc&) {
        }
        CHECK(counts.blocks == 0);
    }
    counts = {};
    io_context ctx(std::allocator_arg, counting_allocator<char>(counts), 1);
    counts.most = counts.all_blocks;
    local_socket one(ctx), two(ctx);
    rill::local::connect_pair(one, two);
    char byte;
    rill::error_code error;
    one.async_read_some(rill::buffer(&byte, 1), [&](rill::error_code ec, std::size_t) { error = ec; });
    CHECK(ctx.run() == 1);
    CHECK(error == rill::error::no_memory);
}

TEST_CASE("a context may lie in one arena", "[context][io_context][memory]") {
    std::pmr::monotonic_buffer_resource arena;
    io_context ctx(std::allocator_arg, std::pmr::polymorphic_allocator<>(&arena));
    CHECK(use(ctx, 40) == 40);
}

TEST_CASE("objects that are made in advance need no memory later", "[context][io_context][memory]") {
    const auto backend = GENERATE(backends::best().name, backends::other().name);
    allocation_counts counts;
    io_context ctx(std::allocator_arg, counting_allocator<char>(counts),
                   rill::config_from_string("scheduler.concurrency_hint=1\nreactor.preallocated_io_objects=100\n"
                                            "reactor.backend=" +
                                            backend));
    counts.most = counts.all_blocks;
    CHECK(use(ctx, 100) == 100);
}

#if TEST_HAS_PROC
TEST_CASE("timers go off without timerfd", "[context][io_context]") {
    const bool used = GENERATE(true, false);
    io_context ctx(rill::config_from_string(used ? "reactor.backend=epoll\nreactor.use_timerfd=1"
                                                 : "reactor.backend=epoll\nreactor.use_timerfd=0"));
    const int before = count_handles("anon_inode:[timerfd]");
    // On a busy machine a short time is over before the loop waits for it.
    for (auto length = std::chrono::milliseconds(5); length < std::chrono::seconds(3); length *= 2) {
        rill::steady_timer timer(ctx, length);
        bool went_off = false;
        timer.async_wait([&](rill::error_code ec) { went_off = !ec; });
        ctx.restart();
        ctx.run();
        REQUIRE(went_off);
        if (!used || count_handles("anon_inode:[timerfd]") != before)
            break;
    }
    CHECK(count_handles("anon_inode:[timerfd]") == before + used);
}
#endif
