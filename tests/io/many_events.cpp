// SPDX-License-Identifier: BSL-1.0
#include <rill/io/basic_stream_socket.hpp>

#include "loopback.hpp"

#include <rill/context/executor_work_guard.hpp>
#include <rill/local/connect_pair.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// What comes when more handles are ready at a time than a driver may want to pass on at a time.

using namespace loopback;
using rill::buffer;
using rill::error_code;
using local_socket = rill::local::stream_protocol::socket;

namespace {

constexpr std::size_t many = 40;

struct pair {
    explicit pair(rill::io_context& io) : here(io), there(io) { rill::local::connect_pair(here, there); }

    local_socket here;
    local_socket there;
    char byte = 0;
};

std::vector<std::unique_ptr<pair>> make_pairs(rill::io_context& io) {
    std::vector<std::unique_ptr<pair>> all;
    while (all.size() != many)
        all.push_back(std::make_unique<pair>(io));
    return all;
}

}  // namespace

TEST_CASE("poll() finds the handle that is waited for behind many that are not", "[io][many_events]") {
    rill::io_context io(GENERATE(solo, shared));
    auto pairs = make_pairs(io);
    std::size_t read = 0;
    for (auto& p : pairs) {
        p->here.async_read_some(buffer(&p->byte, 1), [&](error_code ec, std::size_t) { read += !ec; });
        p->there.write_some(buffer("x", 1));
    }
    io.run();
    REQUIRE(read == many);

    for (std::size_t waited_for : {std::size_t{0}, many / 2, many - 1}) {
        // Exhausted, so that the driver has to be asked.
        bool done = false;
        auto& chosen = *pairs[waited_for];
        chosen.here.async_read_some(buffer(&chosen.byte, 1), [&](error_code ec, std::size_t) { done = !ec; });
        io.restart();
        CHECK(io.poll() == 0);
        for (auto& p : pairs)
            p->there.write_some(buffer("y", 1));
        io.restart();
        CHECK(io.poll() == 1);
        CHECK(done);

        // The others' bytes, for the next round.
        for (auto& p : pairs) {
            if (p.get() != &chosen)
                p->here.async_read_some(buffer(&p->byte, 1), [](error_code, std::size_t) {});
        }
        io.restart();
        io.run();
    }
}

TEST_CASE("what comes in large pieces is handled before much more is received", "[io][many_events]") {
    rill::io_context io(GENERATE(solo, shared));
    if (io.backend_name() != std::string_view("epoll"))
        return;
    auto pairs = make_pairs(io);
    pairs.resize(8);
    const std::string piece(20'000, 'p');
    std::vector<std::string> data(pairs.size(), std::string(32'768, ' '));
    std::vector<std::size_t> not_received_yet;
    for (int round = 0; round != 2; ++round) {
        not_received_yet.clear();
        for (std::size_t i = 0; i != pairs.size(); ++i) {
            pairs[i]->here.async_read_some(buffer(data[i]), [&](error_code ec, std::size_t n) {
                CHECK_FALSE(ec);
                CHECK(n == piece.size());
                not_received_yet.push_back(0);
                for (auto& p : pairs)
                    not_received_yet.back() += p->here.available() != 0;
            });
            CHECK(io.poll() == 0);
            io.restart();
        }
        for (auto& p : pairs)
            CHECK(p->there.write_some(buffer(piece)) == piece.size());
        io.run();
        io.restart();
    }
    CHECK(not_received_yet.size() == pairs.size());
    // Of the second round: it finds out by the first.
    CHECK(not_received_yet.front() >= 6);
}

TEST_CASE("a handler may close sockets whose events are still to come, while another thread opens some",
          "[io][many_events]") {
    rill::io_context io(solo);
    auto guard = rill::make_work_guard(io);
    constexpr int rounds = 60;
    std::atomic<bool> over{false};
    std::atomic<int> delivered{0};

    std::thread loop([&] {
        for (int round = 0; round < rounds; ++round) {
            auto pairs = make_pairs(io);
            std::size_t left = many;
            for (auto& p : pairs) {
                p->here.async_read_some(buffer(&p->byte, 1), [&](error_code, std::size_t) {
                    if (left == many)
                        for (auto& other : pairs)
                            other->here.close();
                    --left;
                    ++delivered;
                });
            }
            for (auto& p : pairs)
                p->there.write_some(buffer("x", 1));
            while (left != 0)
                io.run_one();
        }
        over = true;
    });
    int opened = 0;
    char byte;
    std::atomic<int> ended{0};
    while (!over) {
        pair p(io);
        p.here.async_read_some(buffer(&byte, 1), [&](error_code, std::size_t) { ++ended; });
        p.here.close();
        ++opened;
    }
    loop.join();
    guard.reset();
    io.restart();
    io.run();
    CHECK(delivered == rounds * static_cast<int>(many));
    CHECK(ended == opened);
}
