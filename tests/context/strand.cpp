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
#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using rill::io_context;
using rill::make_strand;
namespace execution = rill::execution;

namespace {

int any_hint() { return GENERATE(1, 2); }

/// A user's executor with nothing but what the concept asks for: a queue that the test empties.
class queue_executor {
public:
    explicit queue_executor(std::deque<std::function<void()>>& q) : queue_(&q) {}
    template <class Function>
    void execute(Function f) const {
        queue_->push_back([shared = std::make_shared<Function>(std::move(f))] { (*shared)(); });
    }
    friend bool operator==(const queue_executor&, const queue_executor&) = default;

private:
    std::deque<std::function<void()>>* queue_;
};

/// Notes letters.
struct notes {
    std::string text;
    auto note(char c) {
        return [this, c] { text += c; };
    }
};

struct counts {
    int allocated = 0, freed = 0;
};

template <class T>
struct counting_allocator {
    using value_type = T;
    explicit counting_allocator(counts& c) : counted(&c) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& other) : counted(other.counted) {}
    T* allocate(std::size_t n) {
        ++counted->allocated;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) {
        ++counted->freed;
        std::allocator<T>().deallocate(p, n);
    }
    friend bool operator==(const counting_allocator&, const counting_allocator&) = default;
    counts* counted;
};

}  // namespace

TEST_CASE("a strand runs functions in the order in which they were submitted", "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(io);
    notes n;
    rill::post(s, n.note('a'));
    rill::defer(s, n.note('b'));
    rill::dispatch(s, n.note('c'));
    s.execute(n.note('d'));
    auto copy = s;
    rill::post(copy, n.note('e'));
    rill::require(s, execution::relationship.continuation).execute(n.note('f'));
    CHECK(n.text.empty());
    io.run();
    CHECK(n.text == "abcdef");
}

TEST_CASE("a strand takes functions that can be moved but not copied", "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(io);
    int sum = 0;
    rill::post(s, [&sum, p = std::make_unique<int>(1)] { sum += *p; });
    rill::dispatch(s, [&sum, p = std::make_unique<int>(2)] { sum += *p; });
    io.run();
    CHECK(sum == 3);
}

TEST_CASE("inside a strand dispatch() calls at once, post() and defer() never do", "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(io);
    notes n;
    rill::post(s, [&] {
        rill::post(s, n.note('d'));
        rill::defer(s, n.note('e'));
        rill::dispatch(s, n.note('a'));
        rill::require(s, execution::blocking.never).execute(n.note('f'));
        rill::prefer(s, execution::outstanding_work.tracked).execute(n.note('b'));
        n.text += 'c';
    });
    io.run();
    CHECK(n.text == "abcdef");
}

TEST_CASE("dispatch() from outside runs at once if the strand is idle and the inner executor would",
          "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(io);
    notes n;
    rill::dispatch(s, n.note('b'));  // not inside run()
    n.text += 'a';
    io.run();
    io.restart();
    rill::post(io, [&] {
        rill::dispatch(s, [&] {
            n.text += 'c';
            CHECK(s.running_in_this_thread());
        });
        n.text += 'd';
        CHECK_FALSE(s.running_in_this_thread());
        rill::post(s, n.note('f'));
        rill::dispatch(s, n.note('g'));  // the strand is not idle
        n.text += 'e';
    });
    io.run();
    CHECK(n.text == "abcdefg");
}

TEST_CASE("what is posted inside a function that dispatch() runs at once runs later", "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(io);
    notes n;
    rill::post(io, [&] {
        rill::dispatch(s, [&] {
            rill::post(s, n.note('c'));
            n.text += 'a';
        });
        n.text += 'b';
    });
    io.run();
    CHECK(n.text == "abc");
}

TEST_CASE("what others have posted comes before what the strand's own function posts later", "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(io);
    notes n;
    rill::post(s, [&] {
        rill::post(s, n.note('a'));
        std::thread other([&] { rill::post(s, n.note('b')); });
        other.join();
        rill::post(s, n.note('c'));
    });
    io.run();
    CHECK(n.text == "abc");
}

TEST_CASE("running_in_this_thread() is exact in nested strands and nested runs", "[context][strand]") {
    io_context io(any_hint());
    auto a = make_strand(io);
    auto b = make_strand(io);
    const auto never_entered = make_strand(io);
    std::vector<std::string> where;
    auto look = [&](const std::string& at) {
        where.push_back(at + (a.running_in_this_thread() ? " a" : "") + (b.running_in_this_thread() ? " b" : ""));
        CHECK_FALSE(never_entered.running_in_this_thread());
    };
    rill::post(a, [&] {
        look("in a:");
        rill::post(a, [&] { look("later in a:"); });
        rill::post(b, [&] { look("in b within a:"); });
        rill::post(io, [&] { look("in none within a:"); });
        io.poll();  // nested: a goes on when this function is over
        rill::dispatch(b, [&] {
            look("dispatched to b in a:");
            rill::dispatch(a, [&] { look("back in a:"); });
        });
        look("still in a:");
    });
    look("outside:");
    io.run();
    look("afterwards:");
    CHECK(where == std::vector<std::string>{"outside:", "in a: a", "in b within a: a b", "in none within a: a",
                                            "dispatched to b in a: a b", "back in a: a b", "still in a: a",
                                            "later in a: a", "afterwards:"});
}

TEST_CASE("another thread is not inside the strand while a function runs", "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(io);
    bool here = false, there = true;
    rill::post(s, [&] {
        here = s.running_in_this_thread();
        std::thread([&] { there = s.running_in_this_thread(); }).join();
    });
    io.run();
    CHECK(here);
    CHECK_FALSE(there);
}

TEST_CASE("a strand has the properties of its inner executor", "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(io.get_executor());
    using strand = decltype(s);
    static_assert(std::is_same_v<strand::inner_executor_type, io_context::executor_type>);
    static_assert(execution::executor<strand>);
    static_assert(!rill::requirable_for<strand, execution::blocking_t::always_t>);
    static_assert(!rill::requirable_for<rill::strand<queue_executor>, execution::blocking_t::never_t>);

    CHECK(&rill::query(s, execution::context) == &io);
    CHECK(&s.context() == &io);
    CHECK(s.get_inner_executor() == io.get_executor());
    CHECK(rill::query(s, execution::blocking) == execution::blocking.possibly);
    auto never = rill::require(s, execution::blocking.never, execution::relationship.continuation);
    CHECK(rill::query(never, execution::blocking) == execution::blocking.never);
    CHECK(rill::query(never, execution::relationship) == execution::relationship.continuation);
    CHECK(never == s);
    CHECK(rill::query(s, execution::outstanding_work) == execution::outstanding_work.untracked);
    {
        auto tracked = rill::require(s, execution::outstanding_work.tracked);
        CHECK(rill::query(tracked, execution::outstanding_work) == execution::outstanding_work.tracked);
        CHECK(rill::require(tracked, execution::outstanding_work.untracked) == s);
        io.poll();
        CHECK_FALSE(io.stopped());
    }
    io.poll();
    CHECK(io.stopped());
}

TEST_CASE("strands are equal if they are the same strand", "[context][strand]") {
    io_context io(any_hint());
    auto a = make_strand(io);
    auto b = make_strand(io);
    CHECK(a == a);
    CHECK(a != b);
    auto copy = a;
    CHECK(copy == a);
    copy = b;
    CHECK(copy == b);
    copy = std::move(a);
    CHECK(copy != b);

    rill::strand<rill::any_io_executor> any = b;
    CHECK(any == rill::strand<rill::any_io_executor>(b));
    CHECK(any != rill::strand<rill::any_io_executor>(io.get_executor()));
    CHECK(rill::any_io_executor(b) == rill::any_io_executor(b));
    CHECK(rill::any_io_executor(b) != rill::any_io_executor(make_strand(io)));
    bool in_b = false;
    rill::post(any, [&] { in_b = b.running_in_this_thread(); });
    io.run();
    CHECK(in_b);
}

TEST_CASE("a strand allocates with the executor's allocator, or the handler's", "[context][strand]") {
    io_context io(any_hint());
    counts of_executor;
    auto s = rill::require(make_strand(io), execution::allocator(counting_allocator<void>(of_executor)));
    int ran = 0;
    s.execute([&] { ++ran; });
    rill::post(s, [&] { ++ran; });
    CHECK(of_executor.allocated == 2);
    counts of_handler;
    s.post([&] { ++ran; }, counting_allocator<void>(of_handler));
    CHECK(of_handler.allocated == 1);
    io.run();
    CHECK(ran == 3);
    CHECK(of_executor.freed == of_executor.allocated);
    CHECK(of_handler.freed == 1);
}

TEST_CASE("a strand runs over any_io_executor", "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(rill::any_io_executor(io.get_executor()));
    notes n;
    rill::post(s, [&] {
        rill::post(s, n.note('c'));
        rill::dispatch(s, n.note('a'));
        n.text += 'b';
    });
    io.run();
    CHECK(n.text == "abc");
    CHECK_THROWS_AS(rill::strand<rill::any_io_executor>(), execution::bad_executor);
}

TEST_CASE("any_io_executor holds a strand, and it stays one", "[context][strand]") {
    io_context io(any_hint());
    auto s = make_strand(io);
    rill::any_io_executor any = s;
    static_assert(sizeof(s) == 2 * sizeof(void*));  // so it lies inside
    CHECK(&any.context() == &io);
    CHECK(any.target<decltype(s)>() != nullptr);
    int in_strand = 0;
    auto look = [&] { in_strand += s.running_in_this_thread(); };
    rill::post(any, look);
    rill::dispatch(any, look);
    rill::post(rill::prefer(any, execution::outstanding_work.tracked), look);
    io.run();
    CHECK(in_strand == 3);
}

TEST_CASE("a strand runs over another strand", "[context][strand]") {
    io_context io(any_hint());
    auto inner = make_strand(io);
    auto outer = make_strand(inner);
    static_assert(std::is_same_v<decltype(outer), rill::strand<decltype(inner)>>);
    notes n;
    int in_both = 0;
    rill::post(outer, [&] {
        in_both += inner.running_in_this_thread() && outer.running_in_this_thread();
        rill::post(outer, n.note('d'));
        rill::post(inner, n.note('c'));
        rill::dispatch(outer, n.note('a'));
        n.text += 'b';
    });
    io.run();
    CHECK(in_both == 1);
    CHECK(n.text.size() == 4);
    CHECK(n.text.substr(0, 2) == "ab");

    io.restart();
    rill::post(inner, [&] { rill::dispatch(outer, [&] { in_both += inner.running_in_this_thread(); }); });
    rill::post(io, [&] { rill::dispatch(outer, [&] { in_both += inner.running_in_this_thread(); }); });
    io.run();
    CHECK(in_both == 3);
}

TEST_CASE("a strand runs over a user's own executor", "[context][strand]") {
    std::deque<std::function<void()>> queue;
    auto s = make_strand(queue_executor(queue));
    CHECK(s.get_inner_executor() == queue_executor(queue));
    notes n;
    s.execute([&] {
        s.execute(n.note('a'));
        n.text += 'b';
    });
    s.execute(n.note('c'));
    CHECK(n.text.empty());
    CHECK(queue.size() == 1);
    while (!queue.empty()) {
        auto f = std::move(queue.front());
        queue.pop_front();
        f();
    }
    CHECK(n.text == "abc");
}

TEST_CASE("a strand runs over system_executor", "[context][strand]") {
    rill::strand<rill::system_executor> s;
    int calls = 0;
    rill::dispatch(s, [&] {  // at once
        ++calls;
        CHECK(s.running_in_this_thread());
    });
    CHECK(calls == 1);
    std::atomic<int> seen{0};
    int unguarded = 0;
    for (int i = 0; i != 100; ++i)
        rill::post(s, [&] { seen = ++unguarded; });
    while (seen != 100)
        std::this_thread::yield();
    CHECK(s == s);
}
