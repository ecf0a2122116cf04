// SPDX-License-Identifier: BSL-1.0
#include <rill/context/strand.hpp>

#include <rill/context/io_context.hpp>
#include <rill/context/system_executor.hpp>
#include <rill/execution/any_io_executor.hpp>
#include <rill/token/defer.hpp>
#include <rill/token/dispatch.hpp>
#include <rill/token/post.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

// Threads that post into strands, dispatch, nest, throw, and destroy contexts meanwhile. What must hold: never two functions
// of a strand at once, those of a producer in order, none lost, none twice. Each test ends by itself; what is unguarded
// is for ThreadSanitizer.

using rill::io_context;
using rill::make_strand;

namespace {

constexpr int producers = 3;
constexpr int per_producer = 5000;

/// What a strand guards.
struct guarded {
    std::atomic<bool> inside{false};
    int seen[producers] = {};  // unguarded
    int total = 0;             // unguarded
    std::atomic<int> violations{0};

    void enter(int producer, int number) {
        if (inside.exchange(true, std::memory_order_relaxed))
            ++violations;
        if (seen[producer]++ != number)
            ++violations;
        ++total;
        inside.store(false, std::memory_order_relaxed);
    }

    bool complete() const {
        for (int n : seen)
            if (n != per_producer)
                return false;
        return violations == 0 && total == producers * per_producer;
    }
};

/// Posts, defers and dispatches to each strand in turn.
template <class Strand>
void produce(std::vector<Strand>& strands, std::vector<std::unique_ptr<guarded>>& states, int producer) {
    for (int i = 0; i != per_producer; ++i)
        for (std::size_t k = 0; k != strands.size(); ++k) {
            auto f = [&s = strands[k], &g = *states[k], producer, i] {
                if (!s.running_in_this_thread())
                    ++g.violations;
                g.enter(producer, i);
            };
            switch (i % 3) {
            case 0: rill::post(strands[k], f); break;
            case 1: rill::defer(strands[k], f); break;
            case 2: rill::dispatch(strands[k], f); break;
            }
        }
}

template <class Strand>
void stress(io_context& io, std::vector<Strand> strands, int runners) {
    std::vector<std::unique_ptr<guarded>> states;
    for (std::size_t k = 0; k != strands.size(); ++k)
        states.push_back(std::make_unique<guarded>());
    std::optional work(rill::require(io.get_executor(), rill::execution::outstanding_work.tracked));
    std::vector<std::thread> running, producing;
    for (int i = 0; i != runners; ++i)
        running.emplace_back([&io] { io.run(); });
    for (int p = 0; p != producers; ++p) {
        // One of them is itself a function of the context, so that dispatch() may run at once.
        if (p == 0)
            rill::post(io, [&] { produce(strands, states, 0); });
        else
            producing.emplace_back([&, p] { produce(strands, states, p); });
    }
    for (std::thread& t : producing)
        t.join();
    work.reset();
    for (std::thread& t : running)
        t.join();
    for (auto& g : states)
        CHECK(g->complete());
}

/// Goes from strand to strand: posts to the next one, and runs what it meets there within the one it comes from.
struct wanderer {
    std::vector<rill::strand<io_context::executor_type>>* strands;
    std::vector<int>* visits;  // unguarded, one for each strand
    std::size_t at;
    int left;

    void operator()() {
        ++(*visits)[at];
        if (left-- == 0)
            return;
        std::size_t next = (at * 7 + static_cast<std::size_t>(left)) % strands->size();
        std::swap(at, next);
        if (left % 3)
            rill::post((*strands)[at], *this);
        else
            rill::dispatch((*strands)[at], *this);
    }
};

}  // namespace

TEST_CASE("threads that post into strands of a context that threads run", "[context][strand][stress]") {
    io_context io;
    std::vector<rill::strand<io_context::executor_type>> strands;
    for (int i = 0; i != 3; ++i)
        strands.push_back(make_strand(io));
    stress(io, std::move(strands), 2);
}

TEST_CASE("threads that post into strands of a context that one thread runs", "[context][strand][stress]") {
    io_context io(1);
    std::vector<rill::strand<io_context::executor_type>> strands;
    for (int i = 0; i != 3; ++i)
        strands.push_back(make_strand(io));
    stress(io, std::move(strands), 1);
}

TEST_CASE("threads that post into strands on strands", "[context][strand][stress]") {
    io_context io;
    auto inner = make_strand(io);
    std::vector strands{make_strand(inner), make_strand(inner)};
    stress(io, std::move(strands), 2);
}

TEST_CASE("threads that post into strands on any_io_executor", "[context][strand][stress]") {
    io_context io;
    std::vector strands{make_strand(rill::any_io_executor(io.get_executor())),
                        make_strand(rill::any_io_executor(make_strand(io)))};
    stress(io, std::move(strands), 2);
}

TEST_CASE("threads that post into strands on system_executor", "[context][strand][stress]") {
    std::vector<rill::strand<rill::system_executor>> strands(2);
    std::vector<std::unique_ptr<guarded>> states;
    for (std::size_t k = 0; k != strands.size(); ++k)
        states.push_back(std::make_unique<guarded>());
    std::vector<std::thread> producing;
    for (int p = 0; p != producers; ++p)
        producing.emplace_back([&, p] { produce(strands, states, p); });
    for (std::thread& t : producing)
        t.join();
    for (std::size_t k = 0; k != strands.size(); ++k) {
        std::atomic<bool> over{false};
        rill::post(strands[k], [&] { over = true; });
        while (!over)
            std::this_thread::yield();
        CHECK(states[k]->complete());
    }
}

TEST_CASE("functions that wander through strands and nest", "[context][strand][stress]") {
    io_context io;
    std::vector<rill::strand<io_context::executor_type>> strands;
    for (int i = 0; i != 5; ++i)
        strands.push_back(make_strand(io));
    constexpr int wanderers = 40, steps = 300;
    std::vector<int> visits(strands.size());
    for (std::size_t i = 0; i != wanderers; ++i)
        rill::post(strands[i % strands.size()], wanderer{&strands, &visits, i % strands.size(), steps});
    std::thread other([&io] { io.run(); });
    io.run();
    other.join();
    int total = 0;
    for (int v : visits)
        total += v;
    CHECK(total == wanderers * (steps + 1));
}

TEST_CASE("exceptions out of strands while others post lose nothing", "[context][strand][stress]") {
    io_context io;
    auto s = make_strand(io);
    constexpr int count = 3000;
    int ran = 0;  // unguarded
    std::atomic<int> thrown{0};
    std::optional work(rill::require(io.get_executor(), rill::execution::outstanding_work.tracked));
    auto run = [&] {
        for (;;)
            try {
                io.run();
                return;
            } catch (const std::runtime_error&) {
                ++thrown;
            }
    };
    std::thread a(run), b(run);
    for (int i = 0; i != count; ++i)
        rill::post(s, [&ran, i] {
            ++ran;
            if (i % 10 == 0)
                throw std::runtime_error("on purpose");
        });
    work.reset();
    a.join();
    b.join();
    CHECK(ran == count);
    CHECK(thrown == count / 10);
}

TEST_CASE("contexts destroyed with strands' functions queued lose none", "[context][strand][stress]") {
    struct counted {
        explicit counted(std::atomic<int>& n) : alive(&n) { ++n; }
        counted(counted&& other) noexcept : alive(other.alive) { ++*alive; }
        ~counted() { --*alive; }
        void operator()() const {}
        std::atomic<int>* alive;
    };
    std::atomic<int> alive{0};
    for (int round = 0; round != 100; ++round) {
        std::optional<rill::strand<io_context::executor_type>> survivor;
        {
            io_context io;
            std::vector strands{make_strand(io), make_strand(io)};
            auto nested = make_strand(strands[0]);
            survivor = strands[1];
            std::thread runner([&io] { io.run(); });
            auto post_some = [&] {
                for (int i = 0; i != 60; ++i) {
                    rill::post(strands[static_cast<std::size_t>(i % 2)], counted(alive));
                    rill::post(nested, counted(alive));
                    rill::dispatch(nested, [s = strands[1], c = counted(alive)] {});
                }
            };
            std::thread poster(post_some);
            post_some();
            io.stop();
            poster.join();
            runner.join();
        }
        if (alive != 0)
            break;
    }
    CHECK(alive == 0);
}
