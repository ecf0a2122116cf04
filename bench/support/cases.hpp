// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the programs of bench/loop/ share: their main(), and what several of them need to measure the same thing.
//
//   PROGRAM --list         prints the names of the cases
//   PROGRAM CASE [SCALE]   runs the case twice, to warm up and to measure, and prints {"ns": 6.12, "operations": 1000000}:
//                          nanoseconds per operation, of CPU time where one thread works and of wall-clock time where
//                          several do. SCALE multiplies the number of operations.
//
// One process is one sample. A case aborts the program if its library did not do what it was measured doing.

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <numeric>
#include <random>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

namespace bench {

[[noreturn]] inline void fail(const char* what) {
    std::fprintf(stderr, "failed: %s\n", what);
    std::abort();
}

/// Not assert(): what is measured is built without assertions.
inline void check(bool holds, const char* what) {
    if (!holds) [[unlikely]]
        fail(what);
}

/// The CPU time of the calling thread.
struct cpu_clock {
    static std::chrono::nanoseconds now() noexcept {
        timespec t{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
    }
};

struct wall_clock {
    static std::chrono::nanoseconds now() noexcept { return std::chrono::steady_clock::now().time_since_epoch(); }
};

/// Sums up the time between start() and stop(); for cpu_clock both on one thread.
template <class Clock>
class stopwatch {
public:
    void start() noexcept { started_ = Clock::now(); }
    void stop() noexcept { taken_ += Clock::now() - started_; }
    std::chrono::nanoseconds taken() const noexcept { return taken_; }

private:
    std::chrono::nanoseconds started_{};
    std::chrono::nanoseconds taken_{};
};

using cpu_stopwatch = stopwatch<cpu_clock>;
using wall_stopwatch = stopwatch<wall_clock>;

struct sample {
    std::chrono::nanoseconds taken;
    std::size_t operations;  // those that were made: a case may round the number that it was asked for
};

struct named_case {
    std::string_view name;
    std::size_t operations;  // a run then takes 0.1 to 0.3 s, where that is possible
    sample (*run)(std::size_t operations);
};

/// Numbers from 0 to @p n - 1, in an order that is random but the same in every run.
inline std::vector<std::uint32_t> random_order(std::size_t n) {
    std::vector<std::uint32_t> order(n);
    std::iota(order.begin(), order.end(), std::uint32_t{0});
    std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
    return order;
}

/// @p n durations from 0 to @p most, random but the same in every run.
template <class Duration>
std::vector<Duration> random_durations(std::size_t n, Duration most) {
    std::mt19937_64 random(2);
    std::uniform_int_distribution<typename Duration::rep> distribution(0, most.count());
    std::vector<Duration> durations(n);
    std::generate(durations.begin(), durations.end(), [&] { return Duration(distribution(random)); });
    return durations;
}

/// The number of handlers that a loop's thread has run. Only that thread writes it.
struct alignas(64) arrivals {
    std::atomic<std::size_t> count{0};

    void note() noexcept { count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
};

/// What the loop's thread has to do besides: about 2 us, as for a small message. So the two threads do not contend for
/// the loop's queue at every instant, as they would with a loop that does nothing else.
inline void other_work() noexcept {
    std::uint64_t x = 1;
    for (int i = 0; i != 1500; ++i) {
        x = x * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
        asm volatile("" : "+r"(x));
    }
}

/// How far arrivals can be behind: most_ahead, and what is posted between two looks at them.
inline constexpr std::size_t most_ahead = 8'000;
inline constexpr std::size_t between_looks = 256;

/// Calls @p post_one @p n times, while another thread runs the loop and notes each arrival. Measured is this thread's
/// CPU time in post_one() alone: where the stream gets too far ahead it pauses, and so does the watch.
template <class PostOne>
std::chrono::nanoseconds stream_from_outside(std::size_t n, const arrivals& handled, PostOne post_one) {
    cpu_stopwatch watch;
    watch.start();
    for (std::size_t posted = 0; posted != n;) {
        std::size_t end = std::min(n, posted + between_looks);
        for (; posted != end; ++posted)
            post_one();
        if (posted - handled.count.load(std::memory_order_relaxed) > most_ahead) {
            watch.stop();
            while (posted - handled.count.load(std::memory_order_relaxed) > most_ahead / 2)
                std::this_thread::yield();
            watch.start();
        }
    }
    watch.stop();
    return watch.taken();
}

/// The compiler must assume that @p value is read and changed here.
template <class T>
void keep(T& value) noexcept {
    asm volatile("" : "+m"(value) : : "memory");
}

inline int wrong_usage(const char* program) {
    std::fprintf(stderr, "usage: %s --list | CASE [SCALE]\n", program);
    return 2;
}

/// main() of a program that has @p cases.
inline int run_cases(int argc, char** argv, std::span<const named_case> cases) try {
    if (argc < 2 || argc > 3)
        return wrong_usage(argv[0]);
    std::string_view name = argv[1];
    if (name == "--list" && argc == 2) {
        for (const named_case& c : cases)
            std::printf("%.*s\n", static_cast<int>(c.name.size()), c.name.data());
        return 0;
    }
    auto chosen = std::ranges::find(cases, name, &named_case::name);
    if (chosen == cases.end()) {
        std::fprintf(stderr, "%s: no case '%s'; --list names them\n", argv[0], argv[1]);
        return 2;
    }
    double scale = 1;
    if (argc == 3) {
        char* end = nullptr;
        scale = std::strtod(argv[2], &end);
        if (end == argv[2] || *end != '\0' || !std::isfinite(scale) || scale <= 0)
            return wrong_usage(argv[0]);
    }
    auto operations =
        std::max<std::size_t>(1, static_cast<std::size_t>(scale * static_cast<double>(chosen->operations)));

    // Memory stays with the process, as in a server that has run for a while: otherwise the measured run would pay for
    // the kernel's clearing of pages that the warm-up had given back.
    ::mallopt(M_MMAP_MAX, 0);
    ::mallopt(M_TRIM_THRESHOLD, -1);

    chosen->run(operations);
    sample s = chosen->run(operations);
    check(s.operations != 0, "a case must make operations");
    std::printf("{\"ns\": %.2f, \"operations\": %zu}\n",
                static_cast<double>(s.taken.count()) / static_cast<double>(s.operations), s.operations);
    return 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 1;
}

}  // namespace bench
