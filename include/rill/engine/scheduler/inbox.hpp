// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/request/task.hpp>

#include <atomic>

namespace rill::engine {

/// What threads that are not inside run() leave for a loop.
///
/// One atomic word, the head, with three kinds of values:
///   null         empty, and the loop is awake
///   asleep       empty, and the loop is in the driver's wait, or about to enter it; in a shared loop: see crew
///   a task       the newest of a chain linked by `next`; the loop is awake, or has been woken
///
/// No wake-up is lost: sleeping and pushing meet in one compare-and-exchange each on this word. If the push comes
/// first, sleep() fails and the loop looks; if the sleep comes first, the push sees `asleep` and is the one that wakes.
class inbox {
public:
    /// Adds @p node, from any thread. True if the caller must now wake the driver.
    [[nodiscard]] bool push(task& node) noexcept {
        task* head = head_.load(std::memory_order_relaxed);
        do
            node.next = head == asleep() ? nullptr : head;
        while (!head_.compare_exchange_weak(head, &node, std::memory_order_seq_cst, std::memory_order_relaxed));
        return head == asleep();
    }

    /// Adds @p node, from any thread, unless the loop sleeps: then it is false, and nothing has changed.
    [[nodiscard]] bool push_if_awake(task& node) noexcept {
        task* head = head_.load(std::memory_order_relaxed);
        do {
            if (head == asleep())
                return false;
            node.next = head;
        } while (!head_.compare_exchange_weak(head, &node, std::memory_order_seq_cst, std::memory_order_relaxed));
        return true;
    }

    /// Whether it is awake and empty, so that take() would do nothing. On the loop's thread only.
    bool idle() const noexcept { return head_.load(std::memory_order_relaxed) == nullptr; }

    /// On the loop's thread: announces that it is about to wait. False if something has arrived.
    [[nodiscard]] bool sleep() noexcept {
        task* expected = nullptr;
        return head_.compare_exchange_strong(expected, asleep(), std::memory_order_seq_cst);
    }

    /// Whether the loop sleeps, so that someone who changed another of its words must wake it. That word must be
    /// written before, and read by the loop after sleep(), both seq_cst: one of the two then sees the other.
    bool sleeps() const noexcept { return head_.load(std::memory_order_seq_cst) == asleep(); }

    /// On the loop's thread: takes all that has arrived, oldest first, and ends the sleep.
    task* take() noexcept {
        task* newest = head_.exchange(nullptr, std::memory_order_acquire);
        return newest == asleep() ? nullptr : oldest_first(newest);
    }

    // A shared loop has several threads, so none of them may end a sleep by the way.

    /// Whether something has arrived.
    bool has_tasks() const noexcept {
        task* head = head_.load(std::memory_order_relaxed);
        return head != nullptr && head != asleep();
    }

    /// Takes all that has arrived, oldest first; a sleep goes on.
    task* take_tasks() noexcept {
        task* newest = head_.load(std::memory_order_relaxed);
        do
            if (newest == nullptr || newest == asleep())
                return nullptr;
        while (!head_.compare_exchange_weak(newest, nullptr, std::memory_order_acquire, std::memory_order_relaxed));
        return oldest_first(newest);
    }

    /// Ends the sleep, if there is one.
    void end_sleep() noexcept {
        task* expected = asleep();
        head_.compare_exchange_strong(expected, nullptr, std::memory_order_seq_cst);
    }

private:
    static task* oldest_first(task* newest) noexcept {
        task* oldest = nullptr;
        while (newest) {
            task* next = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = next;
        }
        return oldest;
    }

    // The address of an object that is no task.
    static task* asleep() noexcept {
        static char marker alignas(task);
        return reinterpret_cast<task*>(&marker);
    }

    std::atomic<task*> head_{nullptr};
};

}  // namespace rill::engine
