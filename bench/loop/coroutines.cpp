// SPDX-License-Identifier: BSL-1.0

// What coroutines cost beside the operations that they await.
//
//   nested/...         co_await of a coroutine that returns a value at once; ns per call
//   spawn/...          1000 coroutines that end at once are spawned outside of run(), then run; ns per coroutine
//   spawn_inside/...   the same from within a handler, as a server does that accepts connections; ns per coroutine
//   done_at_once/...   co_await of an operation that calls its handler while it is started; ns per operation
//   post/...           co_await of post(), a round through the loop; ns per round
//
// All on a context with the concurrency hint 1: solo with the context's own executor type throughout, any with
// any_io_executor, which is what awaitable<T> and use_awaitable mean unless told otherwise.

#include <support/cases.hpp>
#include <support/library.hpp>

#include <cstddef>
#include <exception>
#include <utility>

namespace {

using namespace bench;

using loop_executor = lib::io_context::executor_type;

template <class Executor>
inline constexpr lib::use_awaitable_t<Executor> awaiting{};

struct rethrow {
    void operator()(std::exception_ptr e) const {
        if (e)
            std::rethrow_exception(e);
    }
};

/// Runs what @p make gives for the context's executor and a stopwatch.
template <class Executor, class Make>
cpu_stopwatch run_coroutine(Make make) {
    solo_context context;
    Executor executor(context.get_executor());
    cpu_stopwatch watch;
    lib::co_spawn(executor, make(executor, watch), rethrow());
    context.run();
    return watch;
}

template <class Executor>
lib::awaitable<std::size_t, Executor> successor(std::size_t n) {
    co_return n + 1;
}

template <class Executor>
lib::awaitable<void, Executor> call(std::size_t n, cpu_stopwatch& watch) {
    watch.start();
    std::size_t sum = 0;
    while (sum != n)
        sum = co_await successor<Executor>(sum);
    watch.stop();
}

template <class Executor>
sample nested(std::size_t n) {
    cpu_stopwatch watch =
        run_coroutine<Executor>([n](const Executor&, cpu_stopwatch& w) { return call<Executor>(n, w); });
    return {watch.taken(), n};
}

template <class Executor>
lib::awaitable<void, Executor> count(std::size_t& done) {
    ++done;
    co_return;
}

constexpr std::size_t batch = 1000;

template <class Executor>
sample spawn(std::size_t n) {
    solo_context context;
    Executor executor(context.get_executor());
    std::size_t batches = (n + batch - 1) / batch;
    std::size_t done = 0;
    cpu_stopwatch watch;
    watch.start();
    for (std::size_t i = 0; i != batches; ++i) {
        for (std::size_t k = 0; k != batch; ++k)
            lib::co_spawn(executor, count<Executor>(done), lib::detached);
        context.run();
        context.restart();
    }
    watch.stop();
    check(done == batches * batch, "each coroutine must run once");
    return {watch.taken(), done};
}

template <class Executor>
struct spawner {
    const Executor* executor;
    std::size_t* batches;
    std::size_t* done;

    void operator()() const {
        for (std::size_t k = 0; k != batch; ++k)
            lib::co_spawn(*executor, count<Executor>(*done), lib::detached);
        if (--*batches != 0)
            lib::post(*executor, *this);
    }
};

template <class Executor>
sample spawn_inside(std::size_t n) {
    solo_context context;
    Executor executor(context.get_executor());
    std::size_t batches = (n + batch - 1) / batch;
    std::size_t expected = batches * batch;
    std::size_t done = 0;
    cpu_stopwatch watch;
    lib::post(executor, spawner<Executor>{&executor, &batches, &done});
    watch.start();
    context.run();
    watch.stop();
    check(done == expected, "each coroutine must run once");
    return {watch.taken(), done};
}

/// An operation without I/O that is done at once. Asio 1.26 has no immediate executor yet, so the operation completes
/// as its users wrote it then, with either library: by dispatch() to the handler's associated executor, which calls the
/// handler within the initiation when that executor's loop runs here.
template <class Executor, class Token>
auto async_successor(const Executor& executor, std::size_t n, Token&& token) {
    return lib::async_initiate<Token, void(std::size_t)>(
        [executor](auto handler, std::size_t value) {
            auto on = lib::get_associated_executor(handler, executor);
            lib::dispatch(on, [h = std::move(handler), value]() mutable { std::move(h)(value + 1); });
        },
        token, n);
}

// A completion within the initiation resumes the coroutine there, on top of the initiation's stack frames if the
// library does nothing about it. So the coroutine passes by the loop every so often; that is in the figure too.
template <class Executor>
lib::awaitable<void, Executor> complete_at_once(const Executor& executor, std::size_t n, cpu_stopwatch& watch) {
    constexpr std::size_t between_posts = 200;
    watch.start();
    std::size_t sum = 0;
    while (sum != n) {
        sum = co_await async_successor(executor, sum, awaiting<Executor>);
        if (sum % between_posts == 0)
            co_await lib::post(executor, awaiting<Executor>);
    }
    watch.stop();
}

template <class Executor>
sample done_at_once(std::size_t n) {
    cpu_stopwatch watch = run_coroutine<Executor>(
        [n](const Executor& ex, cpu_stopwatch& w) { return complete_at_once<Executor>(ex, n, w); });
    return {watch.taken(), n};
}

template <class Executor>
lib::awaitable<void, Executor> pass_by(const Executor& executor, std::size_t n, cpu_stopwatch& watch) {
    watch.start();
    for (std::size_t i = 0; i != n; ++i)
        co_await lib::post(executor, awaiting<Executor>);
    watch.stop();
}

template <class Executor>
sample post(std::size_t n) {
    cpu_stopwatch watch =
        run_coroutine<Executor>([n](const Executor& ex, cpu_stopwatch& w) { return pass_by<Executor>(ex, n, w); });
    return {watch.taken(), n};
}

constexpr std::size_t million = 1'000'000;
constexpr std::size_t rounds = on_asio ? 2 * million : 10 * million;
constexpr std::size_t coroutines = on_asio ? million : 3 * million;

constexpr named_case cases[] = {
    {"nested/solo", 10 * million, &nested<loop_executor>},
    {"nested/any", 10 * million, &nested<lib::any_io_executor>},
    {"spawn/solo", coroutines, &spawn<loop_executor>},
    {"spawn/any", coroutines, &spawn<lib::any_io_executor>},
    {"spawn_inside/solo", coroutines, &spawn_inside<loop_executor>},
    {"spawn_inside/any", coroutines, &spawn_inside<lib::any_io_executor>},
    {"done_at_once/solo", rounds, &done_at_once<loop_executor>},
    {"done_at_once/any", rounds, &done_at_once<lib::any_io_executor>},
    {"post/solo", rounds, &post<loop_executor>},
    {"post/any", rounds, &post<lib::any_io_executor>},
};

}  // namespace

int main(int argc, char** argv) { return run_cases(argc, argv, cases); }
