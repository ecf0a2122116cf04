// SPDX-License-Identifier: BSL-1.0

// What the cases of the other programs cost when each is written by hand for itself alone, with the handlers known
// beforehand and nothing shared with the rest of a library: a bound for what to hope for.
//
//   post/chain         an intrusive queue and a loop that calls function pointers
//   post/outside       a list that other threads push to, and that the loop takes whole
//   timers/...         a wheel of 11 levels, which also orders exactly; nodes lie in an array
//   coroutines/...     frames from a free list, resumed by symmetric transfer, or from an intrusive queue
//   cancel/read        recv() that would block, without anything to cancel

#include <support/cases.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace bench;
using namespace std::chrono_literals;

// -- post

struct task {
    task* next = nullptr;
    void (*run)(task&) = nullptr;
};

class queue {
public:
    void push(task& t) noexcept {
        t.next = nullptr;
        (last_ ? last_->next : first_) = &t;
        last_ = &t;
    }

    /// Until it is empty. Not inlined: what the tasks are must stay unknown here.
    [[gnu::noinline]] void run() {
        while (task* t = first_) {
            first_ = t->next;
            if (!first_)
                last_ = nullptr;
            t->run(*t);
        }
    }

private:
    task* first_ = nullptr;
    task* last_ = nullptr;
};

struct chain_link : task {
    queue* on = nullptr;
    std::size_t left = 0;
};

sample post_chain(std::size_t n) {
    queue q;
    chain_link link;
    link.on = &q;
    link.left = n;
    link.run = [](task& t) {
        auto& self = static_cast<chain_link&>(t);
        if (--self.left != 0)
            self.on->push(self);
    };
    cpu_stopwatch watch;
    watch.start();
    q.push(link);
    q.run();
    watch.stop();
    check(link.left == 0, "each link of the chain must run");
    return {watch.taken(), n};
}

class inbox {
public:
    void push(task& t) noexcept {
        task* first = first_.load(std::memory_order_relaxed);
        do
            t.next = first;
        while (!first_.compare_exchange_weak(first, &t, std::memory_order_release, std::memory_order_relaxed));
    }

    /// What has been pushed since the last time, the oldest first.
    task* take() noexcept {
        if (!first_.load(std::memory_order_relaxed))
            return nullptr;
        task* youngest = first_.exchange(nullptr, std::memory_order_acquire);
        task* oldest = nullptr;
        while (youngest)
            oldest = std::exchange(youngest, std::exchange(youngest->next, oldest));
        return oldest;
    }

private:
    alignas(64) std::atomic<task*> first_{nullptr};
};

struct arrival : task {
    arrivals* handled = nullptr;
};

// As in post.cpp the loop's thread never sleeps. The nodes come round again when the loop has long been through with
// them.
sample post_outside(std::size_t n) {
    constexpr std::size_t size = 16'384;
    static_assert(size > most_ahead + 2 * between_looks);
    inbox in;
    arrivals handled;
    std::atomic<bool> over{false};
    std::vector<arrival> nodes(size);
    for (arrival& a : nodes) {
        a.handled = &handled;
        a.run = [](task& t) { static_cast<arrival&>(t).handled->note(); };
    }
    std::thread runner([&] {
        while (!over.load(std::memory_order_relaxed)) {
            other_work();
            for (task* t = in.take(); t;) {
                task* next = t->next;
                t->run(*t);
                t = next;
            }
        }
    });
    std::size_t i = 0;
    auto taken = stream_from_outside(n, handled, [&] { in.push(nodes[i++ % size]); });
    while (handled.count.load() != n)
        std::this_thread::yield();
    over.store(true, std::memory_order_relaxed);
    runner.join();
    return {taken, n};
}

// -- timers

using nanoseconds = std::uint64_t;

struct timer {
    timer* next = nullptr;
    timer* before = nullptr;
    nanoseconds due = 0;
    void (*run)(timer&, void*) = nullptr;
};

/// Timers by their time's digits in base 64, as seen from now_: level k holds those whose highest digit that differs
/// from now_'s is the k-th, and a slot those that have the same such digit. So the earliest is in the lowest slot of the
/// lowest level that is not empty. Adding and removing take constant time; until a timer fires it comes down once for
/// each level at most.
class wheel {
public:
    explicit wheel(nanoseconds now) : now_(now) {
        for (auto& level : slots_)
            for (timer& slot : level)
                slot.next = slot.before = &slot;
    }
    wheel(const wheel&) = delete;
    wheel& operator=(const wheel&) = delete;

    void add(timer& t) noexcept {
        nanoseconds difference = std::max(t.due, now_) ^ now_;
        auto level = static_cast<unsigned>(std::bit_width(difference | 1) - 1) / digit;
        auto slot = static_cast<unsigned>(std::max(t.due, now_) >> (level * digit)) % slots;
        timer& head = slots_[level][slot];
        t.next = &head;
        t.before = head.before;
        t.before->next = head.before = &t;
        filled_[level] |= std::uint64_t{1} << slot;
    }

    /// The slot stays marked as filled: expire() finds out.
    static void remove(timer& t) noexcept {
        t.before->next = t.next;
        t.next->before = t.before;
    }

    /// Runs what is due at @p now, the earliest first.
    [[gnu::noinline]] void expire(nanoseconds now, void* argument) {
        for (unsigned level = 0; level != levels;) {
            if (filled_[level] == 0) {
                ++level;
                continue;
            }
            auto slot = static_cast<unsigned>(std::countr_zero(filled_[level]));
            timer& head = slots_[level][slot];
            if (head.next == &head) {
                filled_[level] &= ~(std::uint64_t{1} << slot);
            } else if (level == 0) {
                timer& t = *head.next;  // all in one slot of this level have the same time
                if (t.due > now)
                    return;
                remove(t);
                t.run(t, argument);
            } else {
                nanoseconds earliest = head.next->due;
                for (timer* t = head.next->next; t != &head; t = t->next)
                    earliest = std::min(earliest, t->due);
                if (earliest > now)
                    return;
                now_ = earliest;
                timer* t = head.next;
                head.next = head.before = &head;
                filled_[level] &= ~(std::uint64_t{1} << slot);
                while (t != &head)
                    add(*std::exchange(t, t->next));
                level = 0;
            }
        }
    }

private:
    static constexpr unsigned digit = 6;  // bits
    static constexpr unsigned slots = 1 << digit;
    static constexpr unsigned levels = (64 + digit - 1) / digit;

    nanoseconds now_;
    std::array<std::uint64_t, levels> filled_{};
    std::array<std::array<timer, slots>, levels> slots_;
};

struct outcome {
    std::size_t fired = 0;
    std::size_t out_of_order = 0;
    nanoseconds latest = 0;

    static void note(timer& t, void* out) {
        auto& self = *static_cast<outcome*>(out);
        ++self.fired;
        if (t.due < self.latest)
            ++self.out_of_order;
        self.latest = t.due;
    }
};

enum class measured { set, cancel, fire };

template <measured What>
sample timers(std::size_t n) {
    constexpr nanoseconds start = 1'000'000'000'000;
    constexpr std::chrono::nanoseconds most = What == measured::fire ? std::chrono::nanoseconds(50ms) : 1h;
    wheel w(start);
    std::vector<timer> all(n);
    const auto delays = random_durations(n, most);
    const auto order = random_order(n);
    outcome out;
    cpu_stopwatch set;
    set.start();
    for (std::size_t i = 0; i != n; ++i) {
        all[i].due = start + static_cast<nanoseconds>(delays[i].count());
        all[i].run = &outcome::note;
        w.add(all[i]);
    }
    set.stop();
    cpu_stopwatch cancel;
    if (What != measured::fire) {
        cancel.start();
        for (std::uint32_t i : order)
            wheel::remove(all[i]);
        cancel.stop();
    }
    cpu_stopwatch fire;
    fire.start();
    w.expire(start + static_cast<nanoseconds>(most.count()), &out);
    fire.stop();
    check(out.fired == (What == measured::fire ? n : 0), "each timer that is not cancelled must fire once");
    check(out.out_of_order == 0, "timers must fire in the order of their times");
    switch (What) {
    case measured::set: return {set.taken(), n};
    case measured::cancel: return {cancel.taken(), n};
    case measured::fire: return {fire.taken(), n};
    }
}

// -- coroutines

/// Frames that are all alike.
class frames {
public:
    static void* allocate(std::size_t size) {
        if (frame* f = free_) {
            free_ = f->next;
            return f;
        }
        return ::operator new(size);
    }
    static void deallocate(void* memory) noexcept { free_ = ::new (memory) frame{free_}; }

private:
    struct frame {
        frame* next;
    };
    static inline thread_local constinit frame* free_ = nullptr;
};

/// A coroutine that runs when it is awaited, and yields a number. Caller and called resume each other by symmetric
/// transfer, which gcc makes a jump of only if it optimizes: a build for debugging runs out of stack.
class successor_task {
public:
    struct promise_type {
        std::coroutine_handle<> caller;
        std::size_t value = 0;

        static void* operator new(std::size_t size) { return frames::allocate(size); }
        static void operator delete(void* memory, std::size_t) noexcept { frames::deallocate(memory); }

        successor_task get_return_object() noexcept {
            return successor_task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        auto final_suspend() noexcept {
            struct awaiter {
                bool await_ready() const noexcept { return false; }
                std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) const noexcept {
                    return h.promise().caller;
                }
                void await_resume() const noexcept {}
            };
            return awaiter();
        }
        void return_value(std::size_t v) noexcept { value = v; }
        void unhandled_exception() noexcept { std::terminate(); }
    };

    successor_task(successor_task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    successor_task& operator=(successor_task&&) = delete;
    ~successor_task() {
        if (handle_)
            handle_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
        handle_.promise().caller = caller;
        return handle_;
    }
    std::size_t await_resume() const noexcept { return handle_.promise().value; }

private:
    explicit successor_task(std::coroutine_handle<promise_type> h) noexcept : handle_(h) {}

    std::coroutine_handle<promise_type> handle_;
};

[[gnu::noinline]] successor_task successor(std::size_t n) { co_return n + 1; }

/// A coroutine that nobody waits for: it lies in a queue until the loop resumes it, and frees itself when it ends.
struct spawned {
    struct promise_type : task {
        template <class... Args>
        explicit promise_type(queue& on, Args&...) noexcept {
            run = [](task& t) {
                std::coroutine_handle<promise_type>::from_promise(static_cast<promise_type&>(t)).resume();
            };
            on.push(*this);
        }

        static void* operator new(std::size_t size) { return frames::allocate(size); }
        static void operator delete(void* memory, std::size_t) noexcept { frames::deallocate(memory); }

        spawned get_return_object() noexcept { return {}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
};

spawned call(queue&, std::size_t n, std::size_t& result) {
    std::size_t sum = 0;
    while (sum != n)
        sum = co_await successor(sum);
    result = sum;
}

sample coroutines_nested(std::size_t n) {
    queue q;
    std::size_t result = 0;
    call(q, n, result);
    cpu_stopwatch watch;
    watch.start();
    q.run();
    watch.stop();
    check(result == n, "each call must return its value");
    return {watch.taken(), n};
}

[[gnu::noinline]] spawned count(queue&, std::size_t& done) {
    ++done;
    co_return;
}

sample coroutines_spawn(std::size_t n) {
    constexpr std::size_t batch = 1000;
    queue q;
    std::size_t batches = (n + batch - 1) / batch;
    std::size_t done = 0;
    cpu_stopwatch watch;
    watch.start();
    for (std::size_t i = 0; i != batches; ++i) {
        for (std::size_t k = 0; k != batch; ++k)
            count(q, done);
        q.run();
    }
    watch.stop();
    check(done == batches * batch, "each coroutine must run once");
    return {watch.taken(), done};
}

// -- cancel

sample cancel_read(std::size_t n) {
    int pair[2];
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0, "socketpair");
    char data[64];
    cpu_stopwatch watch;
    watch.start();
    for (std::size_t i = 0; i != n; ++i)
        check(::recv(pair[0], data, sizeof(data), 0) == -1 && errno == EAGAIN, "recv() must have nothing to give");
    watch.stop();
    ::close(pair[0]);
    ::close(pair[1]);
    return {watch.taken(), n};
}

constexpr named_case cases[] = {
    {"post/chain", 50'000'000, &post_chain},
    {"post/outside", 20'000'000, &post_outside},
    {"timers/set", 1'000'000, &timers<measured::set>},
    {"timers/cancel", 1'000'000, &timers<measured::cancel>},
    {"timers/fire", 1'000'000, &timers<measured::fire>},
    {"coroutines/nested", 20'000'000, &coroutines_nested},
    {"coroutines/spawn", 30'000'000, &coroutines_spawn},
    {"cancel/read", 500'000, &cancel_read},
};

}  // namespace

int main(int argc, char** argv) { return run_cases(argc, argv, cases); }
