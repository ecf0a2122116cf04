// SPDX-License-Identifier: BSL-1.0

// What a second thread brings to I/O: both ends of 64 pairs of local sockets send each other 64 bytes, back and forth.
//
//   pairs64/N    one shared context that N threads run; wall-clock ns per message
//   shards64/N   N contexts with the concurrency hint 1, each run by a thread of its own, share the pairs
//
// All of them by callbacks, with the sockets' default executor.

#include <support/cases.hpp>
#include <support/library.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace bench;

using local_socket = lib::local::stream_protocol::socket;

constexpr std::size_t pair_count = 64;
constexpr std::size_t message_size = 64;

/// One end: what it receives it sends back, until it has sent its share.
class end_point {
public:
    explicit end_point(lib::io_context& context) : socket(context) {}

    void receive() {
        socket.async_read_some(lib::buffer(received_), [this](const error_code& ec, std::size_t n) {
            check(!ec && n == message_size, "a message must arrive whole");
            if (to_send != 0)
                send();
        });
    }
    void send() {
        --to_send;
        socket.async_write_some(lib::buffer(message_), [this](const error_code& ec, std::size_t n) {
            check(!ec && n == message_size, "a message must be sent whole");
            ++sent;
            if (to_receive() != 0)
                receive();
        });
    }

    // Each end sends and receives `share` messages.
    std::size_t to_receive() const noexcept { return first ? share - received_before() : share - sent; }
    std::size_t received_before() const noexcept { return sent - 1; }

    local_socket socket;
    bool first = false;
    std::size_t share = 0;
    std::size_t to_send = 0;
    std::size_t sent = 0;

private:
    std::array<unsigned char, message_size> message_{};
    std::array<unsigned char, 1024> received_{};
};

struct end_pair {
    end_pair(lib::io_context& context, std::size_t share) : a(context), b(context) {
        lib::local::connect_pair(a.socket, b.socket);
        a.share = b.share = a.to_send = b.to_send = share;
        a.first = true;
    }
    void start() {
        b.receive();
        a.send();
    }
    end_point a;
    end_point b;
};

template <class Context, std::size_t Contexts, std::size_t Threads>
sample pairs(std::size_t n) {
    const std::size_t share = n / (2 * pair_count) + 1;
    std::vector<std::unique_ptr<Context>> contexts;
    for (std::size_t i = 0; i != Contexts; ++i)
        contexts.push_back(std::make_unique<Context>());
    std::vector<std::unique_ptr<end_pair>> all;
    for (std::size_t i = 0; i != pair_count; ++i)
        all.push_back(std::make_unique<end_pair>(*contexts[i % Contexts], share));
    for (auto& p : all)
        p->start();

    std::atomic<std::size_t> ready{0};
    wall_stopwatch watch;
    auto take_part = [&](std::size_t i) {
        ready.fetch_add(1);
        while (ready.load() != Threads)
            std::this_thread::yield();
        contexts[i % Contexts]->run();
    };
    std::vector<std::thread> others;
    for (std::size_t i = 1; i != Threads; ++i)
        others.emplace_back(take_part, i);
    while (ready.load() != Threads - 1)
        std::this_thread::yield();
    watch.start();
    take_part(0);
    for (std::thread& t : others)
        t.join();
    watch.stop();
    for (auto& p : all)
        check(p->a.sent == share && p->b.sent == share, "each end must have sent its share");
    return {watch.taken(), 2 * share * pair_count};
}

constexpr named_case cases[] = {
    {"pairs64/1", 200'000, &pairs<shared_context, 1, 1>},
    {"pairs64/2", 200'000, &pairs<shared_context, 1, 2>},
    {"shards64/1", 200'000, &pairs<solo_context, 1, 1>},
    {"shards64/2", 200'000, &pairs<solo_context, 2, 2>},
};

}  // namespace

int main(int argc, char** argv) { return run_cases(argc, argv, cases); }
