// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/config.hpp>

#include <cstdint>

namespace rill::engine {

class loop;

/// What the loop does with a node that arrives in its inbox.
enum class message : std::uint8_t {
    run,     ///< a task: queue it
    start,   ///< a request: hand it to the driver or to the timer queue
    cancel,  ///< a cancel_message: cancel the request that it names
    serve,   ///< a service_message: run it at once
};

/// A node in a run queue, run once. Whoever runs or destroys it owns it no more.
struct task {
    /// @p owner runs the task; null: destroy it, and what it holds, without running it.
    using function = void (*)(loop* owner, task& self);

    explicit task(function f, message m = message::run) noexcept : run(f), arrives_as(m) {}
    task(const task&) = delete;
    task& operator=(const task&) = delete;

    task* next;  ///< of the one queue that it is in; set when it gets there
    function run;
    message arrives_as;
};

/// A first-in, first-out queue of nodes linked by `next`.
template <class Node>
class intrusive_queue {
public:
    intrusive_queue() noexcept = default;
    intrusive_queue(const intrusive_queue&) = delete;
    intrusive_queue& operator=(const intrusive_queue&) = delete;

    bool empty() const noexcept { return first_ == nullptr; }
    Node* front() const noexcept { return static_cast<Node*>(first_); }

    void push(Node& node) noexcept {
        node.next = nullptr;
        *end_ = &node;
        end_ = &node.next;
    }

    Node& pop() noexcept {
        RILL_ASSERT(first_);
        auto& node = static_cast<Node&>(*first_);
        first_ = node.next;
        if (!first_)
            end_ = &first_;
        return node;
    }

    /// Takes all of @p other, in its order, behind what is here.
    void splice(intrusive_queue& other) noexcept {
        if (other.empty())
            return;
        *end_ = other.first_;
        end_ = other.end_;
        other.first_ = nullptr;
        other.end_ = &other.first_;
    }

    /// Takes @p node out; false if it is not here.
    bool remove(Node& node) noexcept {
        for (task** link = &first_; *link; link = &(*link)->next) {
            if (*link != &node)
                continue;
            *link = node.next;
            if (end_ == &node.next)
                end_ = link;
            return true;
        }
        return false;
    }

private:
    task* first_ = nullptr;
    task** end_ = &first_;  // the link behind the last node
};

using task_queue = intrusive_queue<task>;

}  // namespace rill::engine
