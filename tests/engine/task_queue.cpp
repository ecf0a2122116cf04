// SPDX-License-Identifier: BSL-1.0
#include <rill/engine/request/task.hpp>

#include <support/catch.hpp>

#include <deque>
#include <vector>

using rill::engine::task;
using rill::engine::task_queue;

namespace {

struct numbered final : task {
    explicit numbered(int n) : task(nullptr), number(n) {}
    int number;
};

struct numbered_tasks {
    numbered_tasks() {
        for (int i = 0; i < 6; ++i)
            tasks.emplace_back(i);
    }
    std::deque<numbered> tasks;
    task& operator[](int i) { return tasks[static_cast<std::size_t>(i)]; }
};

std::vector<int> drain(task_queue& queue) {
    std::vector<int> numbers;
    while (!queue.empty())
        numbers.push_back(static_cast<numbered&>(queue.pop()).number);
    return numbers;
}

using numbers = std::vector<int>;

}  // namespace

TEST_CASE("a task queue gives back what was pushed, in order", "[engine][task_queue]") {
    numbered_tasks t;
    task_queue queue;
    CHECK(queue.empty());
    CHECK(queue.front() == nullptr);
    queue.push(t[0]);
    queue.push(t[1]);
    CHECK(queue.front() == &t[0]);
    CHECK(&queue.pop() == &t[0]);
    queue.push(t[0]);
    CHECK(drain(queue) == numbers{1, 0});
    queue.push(t[2]);
    CHECK(drain(queue) == numbers{2});
}

TEST_CASE("splice() moves a whole queue behind another", "[engine][task_queue]") {
    numbered_tasks t;
    task_queue a, b;
    a.splice(b);
    CHECK(a.empty());
    b.push(t[0]);
    b.push(t[1]);
    a.splice(b);
    CHECK(b.empty());
    b.push(t[2]);
    a.splice(b);
    a.splice(b);
    a.push(t[3]);
    b.push(t[4]);
    CHECK(drain(a) == numbers{0, 1, 2, 3});
    CHECK(drain(b) == numbers{4});
}

TEST_CASE("remove() takes out any node, and says whether it was there", "[engine][task_queue]") {
    numbered_tasks t;
    task_queue queue;
    CHECK_FALSE(queue.remove(t[0]));
    for (int i = 0; i < 5; ++i)
        queue.push(t[i]);
    CHECK_FALSE(queue.remove(t[5]));
    CHECK(queue.remove(t[0]));
    CHECK_FALSE(queue.remove(t[0]));
    CHECK(queue.remove(t[2]));
    CHECK(queue.remove(t[4]));
    queue.push(t[5]);
    CHECK(drain(queue) == numbers{1, 3, 5});
    queue.push(t[1]);
    CHECK(queue.remove(t[1]));
    CHECK(queue.empty());
    queue.push(t[2]);
    CHECK(drain(queue) == numbers{2});
}
