// SPDX-License-Identifier: BSL-1.0
#include <rill/engine/scheduler/inbox.hpp>

#include <support/catch.hpp>
#include <support/soon.hpp>

#include <atomic>
#include <deque>
#include <thread>
#include <vector>

using rill::engine::inbox;
using rill::engine::task;

namespace {

struct numbered final : task {
    numbered(int s, int n) : task(nullptr), sender(s), number(n) {}
    int sender, number;
};

}  // namespace

TEST_CASE("an inbox gives all that has arrived at once, oldest first", "[engine][inbox]") {
    inbox box;
    CHECK(box.idle());
    CHECK(box.take() == nullptr);
    numbered a(0, 0), b(0, 1), c(0, 2);
    CHECK_FALSE(box.push(a));
    CHECK(box.push_if_awake(b));
    CHECK_FALSE(box.push(c));
    CHECK_FALSE(box.idle());
    task* first = box.take();
    CHECK(first == &a);
    CHECK(first->next == &b);
    CHECK(b.next == &c);
    CHECK(c.next == nullptr);
    CHECK(box.idle());
}

TEST_CASE("whoever pushes first to a sleeping loop must wake it", "[engine][inbox]") {
    inbox box;
    numbered a(0, 0), b(0, 1);
    CHECK_FALSE(box.sleeps());
    CHECK(box.sleep());
    CHECK(box.sleeps());
    CHECK_FALSE(box.push_if_awake(a));
    CHECK(box.sleeps());
    CHECK(box.push(a));
    CHECK_FALSE(box.sleeps());
    CHECK_FALSE(box.push(b));
    task* first = box.take();
    CHECK(first == &a);
    CHECK(a.next == &b);
    CHECK(b.next == nullptr);
}

TEST_CASE("a loop does not fall asleep over what has arrived", "[engine][inbox]") {
    inbox box;
    numbered a(0, 0);
    CHECK_FALSE(box.push(a));
    CHECK_FALSE(box.sleep());
    CHECK_FALSE(box.sleeps());
    CHECK(box.take() == &a);
    CHECK(box.sleep());
    CHECK(box.take() == nullptr);
    CHECK(box.idle());
}

TEST_CASE("no wake-up and no task is lost between a loop that sleeps and threads that push", "[engine][inbox]") {
    constexpr int senders = 2, count = 20000;
    inbox box;
    std::atomic<int> wakes{0};
    std::vector<std::deque<numbered>> nodes(senders);
    std::vector<std::thread> threads;
    for (int s = 0; s < senders; ++s)
        threads.emplace_back([&, s] {
            auto& mine = nodes[static_cast<std::size_t>(s)];
            for (int i = 0; i < count; ++i) {
                numbered& node = mine.emplace_back(s, i);
                if (i % 2 && box.push_if_awake(node))
                    continue;
                if (box.push(node))
                    ++wakes;
                if (i % 64 == 0)
                    std::this_thread::yield();
            }
        });
    int expected[senders] = {};
    int taken = 0, woken = 0;
    bool in_order = true, woke_up = true;
    while (taken < senders * count && woke_up) {
        if (box.sleep()) {
            woke_up = soon([&] { return wakes > woken; });
            ++woken;
        }
        for (task* t = box.take(); t;) {
            auto& n = static_cast<numbered&>(*t);
            t = t->next;
            in_order &= n.number == expected[n.sender]++;
            ++taken;
        }
    }
    for (auto& t : threads)
        t.join();
    CHECK(woke_up);
    CHECK(in_order);
    CHECK(taken == senders * count);
    CHECK(wakes == woken);
}
