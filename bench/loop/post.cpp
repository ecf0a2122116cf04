// SPDX-License-Identifier: BSL-1.0

// What a handler costs on its way through the loop: posted by a handler, by another thread, by 64 handlers side by side.
// The handlers do next to nothing.
//
//   chain/...       a handler posts itself; ns per handler
//   batch/...       1000 handlers are posted, then run; ns per handler
//   dispatch/...    dispatch() within a handler, which calls at once; ns per call
//   outside/...     another thread posts; ns of that thread's CPU time per post
//   chains64/N      64 handlers post themselves on a shared context that N threads run; wall-clock ns per handler
//   strand/...      a handler posts itself on a strand; ns per handler
//   strands64/N     as chains64/N, but each handler has a strand of its own
//
// solo is a context with the concurrency hint 1, shared one without, both by the context's own executor type; any is
// solo by an any_io_executor.

#include <support/cases.hpp>
#include <support/library.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using namespace bench;

using loop_executor = lib::io_context::executor_type;
using loop_strand = lib::strand<loop_executor>;
using any_strand = lib::strand<lib::any_io_executor>;

// A strand may run several handlers in a turn of its context.
template <class Executor>
constexpr bool counts_each_handler = !std::is_same_v<Executor, loop_strand> && !std::is_same_v<Executor, any_strand>;

struct alignas(64) remaining {
    std::size_t count = 0;
};

/// Posts itself until none remain.
template <class Executor>
struct chain_link {
    const Executor* executor;
    remaining* left;

    void operator()() const {
        if (--left->count != 0)
            lib::post(*executor, *this);
    }
};

struct counted {
    std::size_t* done;
    void operator()() const { ++*done; }
};

template <class Context, class Executor>
sample chain(std::size_t n) {
    Context context;
    Executor executor(context.get_executor());
    remaining left{n};
    cpu_stopwatch watch;
    watch.start();
    lib::post(executor, chain_link<Executor>{&executor, &left});
    std::size_t run = context.run();
    watch.stop();
    check(run == n || !counts_each_handler<Executor>, "each link of the chain must run once");
    check(left.count == 0, "the chain must end");
    return {watch.taken(), n};
}

template <class Context>
sample batch(std::size_t n) {
    constexpr std::size_t size = 1000;
    Context context;
    loop_executor executor = context.get_executor();
    std::size_t batches = (n + size - 1) / size;
    std::size_t done = 0;
    cpu_stopwatch watch;
    watch.start();
    for (std::size_t i = 0; i != batches; ++i) {
        for (std::size_t k = 0; k != size; ++k)
            lib::post(executor, counted{&done});
        context.run();
        context.restart();
    }
    watch.stop();
    check(done == batches * size, "each handler must run once");
    return {watch.taken(), done};
}

template <class Context, class Executor>
sample dispatch(std::size_t n) {
    Context context;
    Executor executor(context.get_executor());
    std::size_t done = 0;
    cpu_stopwatch watch;
    lib::post(executor, [&] {
        watch.start();
        for (std::size_t i = 0; i != n; ++i) {
            lib::dispatch(executor, counted{&done});
            keep(done);
        }
        watch.stop();
        check(done == n, "dispatch() must call at once");
    });
    context.run();
    check(done == n, "the handler must run");
    return {watch.taken(), n};
}

/// Keeps its loop busy until it is over.
struct busy {
    const loop_executor* executor;
    std::atomic<bool>* running;
    const std::atomic<bool>* over;

    void operator()() const {
        running->store(true, std::memory_order_relaxed);
        other_work();
        if (!over->load(std::memory_order_relaxed))
            lib::post(*executor, *this);
    }
};

struct arrival {
    arrivals* handled;
    void operator()() const { handled->note(); }
};

// The thread that is measured posts a stream of handlers. The loop's thread never sleeps, so that no wake-up is in the
// figure: besides the stream, it runs a handler that does some work and posts itself.
template <class Context>
sample outside(std::size_t n) {
    Context context;
    loop_executor executor = context.get_executor();
    arrivals handled;
    std::atomic<bool> running{false};
    std::atomic<bool> over{false};
    lib::post(executor, busy{&executor, &running, &over});
    std::thread runner([&context] { context.run(); });
    while (!running.load(std::memory_order_relaxed))
        std::this_thread::yield();
    auto taken = stream_from_outside(n, handled, [&] { lib::post(executor, arrival{&handled}); });
    over.store(true, std::memory_order_relaxed);
    runner.join();
    check(handled.count.load() == n, "each handler must run once");
    return {taken, n};
}

template <std::size_t Threads, class Executor>
sample chains(std::size_t n) {
    constexpr std::size_t size = 64;
    shared_context context;
    std::vector<Executor> executors;
    for (std::size_t i = 0; i != size; ++i)
        executors.emplace_back(context.get_executor());
    std::vector<remaining> left(size, remaining{(n + size - 1) / size});
    std::size_t total = size * left.front().count;
    for (std::size_t i = 0; i != size; ++i)
        lib::post(executors[i], chain_link<Executor>{&executors[i], &left[i]});

    std::atomic<std::size_t> ready{0};
    std::atomic<std::size_t> run{0};
    wall_stopwatch watch;
    auto take_part = [&] {
        ready.fetch_add(1);
        while (ready.load() != Threads)
            std::this_thread::yield();
        run.fetch_add(context.run());
    };
    std::vector<std::thread> others;
    for (std::size_t i = 1; i != Threads; ++i)
        others.emplace_back(take_part);
    while (ready.load() != Threads - 1)
        std::this_thread::yield();
    watch.start();
    take_part();
    for (std::thread& t : others)
        t.join();
    watch.stop();
    check(run.load() == total || !counts_each_handler<Executor>, "each link of each chain must run once");
    check(std::ranges::all_of(left, [](const remaining& r) { return r.count == 0; }), "each chain must end");
    return {watch.taken(), total};
}

constexpr named_case cases[] = {
    {"chain/solo", 10'000'000, &chain<solo_context, loop_executor>},
    {"chain/any", 5'000'000, &chain<solo_context, lib::any_io_executor>},
    {"chain/shared", 3'000'000, &chain<shared_context, loop_executor>},
    {"batch/solo", 5'000'000, &batch<solo_context>},
    {"batch/shared", 3'000'000, &batch<shared_context>},
    {"dispatch/solo", 50'000'000, &dispatch<solo_context, loop_executor>},
    {"dispatch/any", 50'000'000, &dispatch<solo_context, lib::any_io_executor>},
    {"outside/solo", 1'000'000, &outside<solo_context>},
    {"outside/shared", 1'000'000, &outside<shared_context>},
    {"chains64/1", 3'000'000, &chains<1, loop_executor>},
    {"chains64/2", 3'000'000, &chains<2, loop_executor>},
    {"strand/solo", on_asio ? 2'000'000 : 10'000'000, &chain<solo_context, loop_strand>},
    {"strand/any", on_asio ? 2'000'000 : 10'000'000, &chain<solo_context, any_strand>},
    {"strand/shared", on_asio ? 1'000'000 : 5'000'000, &chain<shared_context, loop_strand>},
    {"strands64/1", on_asio ? 1'000'000 : 3'000'000, &chains<1, loop_strand>},
    {"strands64/2", on_asio ? 1'000'000 : 3'000'000, &chains<2, loop_strand>},
};

}  // namespace

int main(int argc, char** argv) { return run_cases(argc, argv, cases); }
