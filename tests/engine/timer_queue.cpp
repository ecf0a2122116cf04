// SPDX-License-Identifier: BSL-1.0
#include <rill/engine/scheduler/timer_queue.hpp>

#include <support/catch.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <vector>

using namespace rill::engine;

namespace {

time_point at(int ticks) { return time_point(std::chrono::nanoseconds(ticks)); }

struct wait final : timer_request {
    wait(timer_group& g, int due_at, int n) : timer_request(nullptr, at(due_at)), number(n) { group = &g; }
    int number;
};

std::vector<int> expire(timer_queue& queue, int now) {
    task_queue ready;
    queue.expire(at(now), ready);
    std::vector<int> numbers;
    while (!ready.empty()) {
        auto& w = static_cast<wait&>(ready.pop());
        CHECK(w.state == request_state::answered);
        CHECK_FALSE(w.ec.failed());
        numbers.push_back(w.number);
    }
    return numbers;
}

using numbers = std::vector<int>;

}  // namespace

TEST_CASE("timers expire by time, and equal times in the order of their start", "[engine][timer_queue]") {
    timer_queue queue;
    timer_group group(nullptr, nullptr);
    wait a(group, 30, 0), b(group, 10, 1), c(group, 20, 2), d(group, 10, 3), e(group, 10, 4);
    CHECK(queue.empty());
    CHECK(queue.add(a));
    CHECK(queue.add(b));
    CHECK_FALSE(queue.add(c));
    CHECK_FALSE(queue.add(d));
    CHECK_FALSE(queue.add(e));
    CHECK(queue.earliest() == at(10));
    CHECK(expire(queue, 9).empty());
    CHECK(expire(queue, 10) == numbers{1, 3, 4});
    CHECK(queue.earliest() == at(20));
    CHECK(expire(queue, 1000) == numbers{2, 0});
    CHECK(queue.empty());
    CHECK(group.first == nullptr);
    CHECK(group.last == nullptr);
}

TEST_CASE("a group keeps its waits in the order of their start", "[engine][timer_queue]") {
    timer_queue queue;
    timer_group group(nullptr, nullptr);
    wait a(group, 30, 0), b(group, 10, 1), c(group, 20, 2);
    queue.add(a);
    queue.add(b);
    queue.add(c);
    CHECK(group.first == &a);
    CHECK(group.last == &c);
    queue.remove(b);
    CHECK(a.group_next == &c);
    CHECK(c.group_before == &a);
    queue.remove(a);
    CHECK(group.first == &c);
    CHECK(expire(queue, 100) == numbers{2});
}

TEST_CASE("a wait on a clock that can be set looks again when it must", "[engine][timer_queue]") {
    timer_queue queue;
    timer_group group(nullptr, nullptr);
    wait later(group, 10, 0), other(group, 15, 1), due(group, 10, 2);
    later.look_again = [](const timer_request&, time_point now) {
        return now < at(25) ? now + std::chrono::nanoseconds(10) : now;
    };
    due.look_again = [](const timer_request&, time_point now) { return now; };
    queue.add(later);
    queue.add(other);
    queue.add(due);
    CHECK(expire(queue, 10) == numbers{2});
    CHECK(queue.earliest() == at(15));
    CHECK(expire(queue, 20) == numbers{1});
    CHECK(queue.earliest() == at(30));
    CHECK(group.first == &later);
    CHECK(expire(queue, 30) == numbers{0});
    CHECK(group.first == nullptr);
}

TEST_CASE("a timer queue does what a sorted list does", "[engine][timer_queue]") {
    std::mt19937 random(GENERATE(1u, 2u, 3u));
    const auto below = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    timer_queue queue;
    timer_group groups[3] = {{nullptr, nullptr}, {nullptr, nullptr}, {nullptr, nullptr}};
    std::map<std::pair<int, int>, std::unique_ptr<wait>> model;  // by time and start
    int now = 0, next = 0;
    bool same = true;
    for (int step = 0; step < 10000 && same; ++step) {
        switch (below(8)) {
        case 0: {
            now += below(20);
            numbers expected;
            std::vector<std::unique_ptr<wait>> freed_later;
            while (!model.empty() && model.begin()->first.first <= now) {
                expected.push_back(model.begin()->second->number);
                freed_later.push_back(std::move(model.begin()->second));
                model.erase(model.begin());
            }
            task_queue ready;
            queue.expire(at(now), ready);
            for (const int n : expected)
                same = same && !ready.empty() && static_cast<wait&>(ready.pop()).number == n;
            same = same && ready.empty();
            break;
        }
        case 1:
        case 2:
            if (!model.empty()) {
                auto it = std::next(model.begin(), below(static_cast<int>(model.size())));
                queue.remove(*it->second);
                model.erase(it);
            }
            break;
        default: {
            const int due = now + below(50);  // many are equal
            auto w = std::make_unique<wait>(groups[below(3)], due, next);
            const bool is_first = model.empty() || due < model.begin()->first.first;
            same = queue.add(*w) == is_first;
            model.emplace(std::pair(due, next), std::move(w));
            ++next;
        }
        }
        same = same && queue.empty() == model.empty() &&
               (model.empty() || queue.earliest() == at(model.begin()->first.first));
    }
    CHECK(same);
}
