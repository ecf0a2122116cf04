// SPDX-License-Identifier: BSL-1.0
#include <rill/engine/scheduler/timer_queue.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <vector>

using namespace rill::engine;

namespace {

time_point at(int ticks) { return time_point(std::chrono::nanoseconds(ticks)); }

struct test_wait final : timer_request {
    test_wait(timer_group& g, int due_at, int n) : timer_request(nullptr, at(due_at)), number(n) { group = &g; }
    int number;
    bool late = false;
};

std::vector<int> expire(timer_queue& queue, int now, std::size_t most = 1000) {
    task_queue ready;
    queue.expire(at(now), ready, most);
    std::vector<int> numbers;
    while (!ready.empty()) {
        auto& w = static_cast<test_wait&>(ready.pop());
        CHECK(w.state == request_state::answered);
        CHECK_FALSE(w.ec);
        numbers.push_back(w.number);
    }
    return numbers;
}

using numbers = std::vector<int>;

}  // namespace

TEST_CASE("timers expire by time, and equal times in the order of their start", "[engine][timer_queue]") {
    timer_queue queue;
    timer_group group(nullptr, nullptr);
    test_wait a(group, 30, 0), b(group, 10, 1), c(group, 20, 2), d(group, 10, 3), e(group, 10, 4);
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
    test_wait a(group, 30, 0), b(group, 10, 1), c(group, 20, 2);
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

TEST_CASE("a test_wait on a clock that can be set looks again when it must", "[engine][timer_queue]") {
    timer_queue queue;
    timer_group group(nullptr, nullptr);
    test_wait later(group, 10, 0), other(group, 15, 1), due(group, 10, 2);
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

TEST_CASE("no more waits are answered than were asked for", "[engine][timer_queue]") {
    timer_queue queue;
    timer_group group(nullptr, nullptr);
    test_wait a(group, 10, 0), b(group, 10, 1), c(group, 10, 2), d(group, 20, 3);
    for (test_wait* w : {&a, &b, &c, &d})
        queue.add(*w);
    task_queue ready;
    CHECK(expire(queue, 20, 2) == numbers{0, 1});
    CHECK(queue.earliest() == at(10));
    queue.remove(c);
    test_wait late(group, 10, 4);
    queue.add(late);
    CHECK(expire(queue, 20, 1) == numbers{4});
    CHECK(expire(queue, 20, 1) == numbers{3});
    CHECK(queue.empty());
}

TEST_CASE("equal times keep their order, whenever and through whatever levels they come", "[engine][timer_queue]") {
    timer_queue queue;
    timer_group group(nullptr, nullptr);
    constexpr int due = 5'000'000;
    const int times_between[] = {1, 70, 4'100, 270'000, 4'000'000, due - 4'100, due - 70, due - 1};
    std::deque<test_wait> waits;
    numbers expected;
    for (int time : times_between) {  // at each, the waits that are there have come further down
        for (int i = 0; i != 3; ++i) {
            expected.push_back(static_cast<int>(waits.size()));
            queue.add(waits.emplace_back(group, due, expected.back()));
        }
        test_wait other(group, time, -1);
        queue.add(other);
        CHECK(expire(queue, time) == numbers{-1});
    }
    CHECK(queue.earliest() == at(due));
    CHECK(expire(queue, due) == expected);
    CHECK(queue.empty());
}

TEST_CASE("waits for times that have passed are answered in the order of their start", "[engine][timer_queue]") {
    timer_queue queue;
    timer_group group(nullptr, nullptr);
    test_wait first(group, 1000, 0);
    queue.add(first);
    CHECK(expire(queue, 5000) == numbers{0});
    test_wait a(group, 500, 1), b(group, 300, 2), c(group, 6000, 3), d(group, 999, 4);
    CHECK(queue.add(a));
    queue.add(b);
    CHECK_FALSE(queue.add(c));
    queue.add(d);
    CHECK(queue.earliest() <= at(1000));
    queue.remove(d);
    CHECK(expire(queue, 5000) == numbers{1, 2});
    CHECK(queue.earliest() == at(6000));
}

TEST_CASE("the first and the last time there are", "[engine][timer_queue]") {
    timer_queue queue;
    timer_group group(nullptr, nullptr);
    test_wait first(group, 0, 0), last(group, 0, 1), other(group, 0, 2);
    first.due = time_point::min();
    last.due = time_point::max();
    CHECK(queue.add(last));
    CHECK(queue.earliest() == time_point::max());
    CHECK(queue.add(other));
    CHECK(queue.add(first));
    CHECK(queue.earliest() == time_point::min());
    CHECK(expire(queue, 0) == numbers{0, 2});
    CHECK(queue.earliest() == time_point::max());
    task_queue ready;
    queue.expire(time_point::max(), ready, 1);
    CHECK(ready.front() == &last);
    CHECK(queue.empty());
}

TEST_CASE("expiring at a time that only a removed test_wait had finds the next", "[engine][timer_queue]") {
    timer_queue queue;
    timer_group group(nullptr, nullptr);
    test_wait removed(group, 1'000'000, 0), a(group, 1'000'100, 1), b(group, 1'200'000, 2);
    queue.add(removed);
    queue.add(a);
    queue.add(b);
    queue.remove(removed);
    CHECK(queue.earliest() <= at(1'000'100));
    CHECK(expire(queue, 1'000'000).empty());
    CHECK(queue.earliest() > at(1'000'000));
    CHECK(expire(queue, 1'000'100) == numbers{1});
    CHECK(queue.earliest() > at(1'000'100));
    CHECK(expire(queue, 1'200'000) == numbers{2});
}

// A server's: each of many deadlines is set anew long before it is due. A loop would wake at each earliest() that comes.
TEST_CASE("deadlines that are always set anew hardly wake the loop", "[engine][timer_queue]") {
    using namespace std::chrono_literals;
    timer_queue queue;
    timer_group group(nullptr, nullptr);
    constexpr std::size_t count = 100;
    constexpr auto step = 2ms;
    std::deque<test_wait> deadlines;
    for (std::size_t i = 0; i != count; ++i)
        deadlines.emplace_back(group, 0, static_cast<int>(i));
    time_point now(24h);
    int wake_ups = 0;
    task_queue ready;
    for (std::size_t i = 0; i != 100'000; ++i, now += step) {  // 200 s
        while (!queue.empty() && queue.earliest() <= now) {
            ++wake_ups;
            queue.expire(now, ready, count);
            REQUIRE((queue.empty() || queue.earliest() > now));  // or it would spin
        }
        test_wait& w = deadlines[i % count];
        if (i >= count)
            queue.remove(w);
        w.due = now + 30s;
        queue.add(w);
    }
    CHECK(ready.empty());
    CHECK(wake_ups < 20);
    // And once they are let be: a wake-up for each at most, and one for each level.
    wake_ups = 0;
    for (; !queue.empty(); ++wake_ups) {
        now = queue.earliest();
        queue.expire(now, ready, count);
    }
    CHECK(wake_ups <= 111);
}

// Only a test_wait for a time that had passed may be answered after a later one, and only after one that was there before.
TEST_CASE("a timer queue does what a sorted list does", "[engine][timer_queue]") {
    std::mt19937_64 random(GENERATE(1u, 2u, 3u, 4u));
    const auto below = [&random](std::uint64_t n) { return static_cast<std::int64_t>(random() % n); };
    const auto any_span = [&] { return below(std::uint64_t{1} << below(50)); };
    struct place_in_order {
        time_point due;
        int number;
        auto operator<=>(const place_in_order&) const = default;
    };
    timer_queue queue;
    timer_group groups[3] = {{nullptr, nullptr}, {nullptr, nullptr}, {nullptr, nullptr}};
    std::map<place_in_order, std::unique_ptr<test_wait>> model;
    std::vector<time_point> used(16, time_point());  // so that times come again
    time_point now(std::chrono::hours(1000));
    time_point looked_at = time_point::min();
    int next = 0;
    const auto check_expire = [&](std::size_t most) {
        looked_at = now;
        task_queue ready;
        queue.expire(now, ready, most);
        std::size_t answered = 0;
        std::vector<std::unique_ptr<test_wait>> freed_later;
        bool in_order = true;
        while (!ready.empty()) {
            auto& w = static_cast<test_wait&>(ready.pop());
            ++answered;
            const auto it = model.find({w.due, w.number});
            for (auto earlier = model.begin(); earlier != it; ++earlier)
                in_order = in_order && earlier->second->late && earlier->second->number > w.number;
            in_order = in_order && w.due <= now && w.state == request_state::answered;
            freed_later.push_back(std::move(it->second));
            model.erase(it);
        }
        const bool all = model.empty() || model.begin()->first.due > now;  // that were due
        return in_order && (answered == most || all);
    };
    bool same = true;
    for (int step = 0; step < 10'000 && same; ++step) {
        switch (below(8)) {
        case 0:
            if (below(20) == 0)
                now += std::chrono::nanoseconds(any_span());
            else
                now += std::chrono::nanoseconds(below(100));
            same = check_expire(below(2) == 0 ? 5 : 100'000);
            break;
        case 1:
            if (!model.empty()) {  // as a loop would that slept
                now = std::max(now, queue.earliest() == time_point::max() ? now : queue.earliest());
                same = check_expire(100'000) && (queue.empty() || queue.earliest() > now);
            }
            break;
        case 2:
        case 3:
            if (!model.empty()) {
                auto it = std::next(model.begin(), below(std::min<std::size_t>(model.size(), 50)));
                queue.remove(*it->second);
                model.erase(it);
            }
            break;
        default: {
            time_point& again = used[static_cast<std::size_t>(below(used.size()))];
            time_point due = again;
            switch (below(16)) {
            case 0: due = time_point::max(); break;
            case 1: due = time_point::min(); break;
            case 2: due = now - std::chrono::nanoseconds(below(100)); break;
            case 3:
            case 4:
            case 5: break;
            case 6:
            case 7:
            case 8: due = again = now + std::chrono::nanoseconds(any_span()); break;
            default: due = again = now + std::chrono::nanoseconds(below(200)); break;
            }
            auto w = std::make_unique<test_wait>(groups[below(3)], 0, next);
            w->due = due;
            w->late = due <= looked_at;
            const bool later_before = queue.empty() || due < queue.earliest();
            same = queue.add(*w) == later_before && queue.earliest() <= std::max(due, looked_at);
            model.emplace(place_in_order{due, next}, std::move(w));
            ++next;
        }
        }
        same = same && queue.empty() == model.empty() &&
               (model.empty() || queue.earliest() <= std::max(model.begin()->first.due, looked_at));
    }
    CHECK(same);
    for (auto& [key, w] : model)
        queue.remove(*w);
    CHECK(queue.empty());
    for (const timer_group& g : groups)
        CHECK(g.first == nullptr);
}

TEST_CASE("a timer's group takes no more than 64 bytes", "[engine][timer_queue]") {
    CHECK((sizeof(void*) != 8 || sizeof(timer_group) <= 64));
}
