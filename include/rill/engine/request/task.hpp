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
    serve,   ///< a service_message: call its function on the loop's thread
};

/// A node in a run queue, run once. Whoever runs or destroys it owns it no more.
struct task {
    /// @p owner runs the task; null: destroy it, and what it holds, without running it.
    using function = void (*)(loop* owner, task& self);

    explicit task(function f, message m = message::run) noexcept : run(f), arrives_as(m) {}
    task(const task&) = delete;
    task& operator=(const task&) = delete;

    task* next = nullptr;  ///< of the one queue that it is in
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
    Node* front() const noexcept { return first_; }

    void push(Node& node) noexcept {
        node.next = nullptr;
        if (last_)
            last_->next = &node;
        else
            first_ = &node;
        last_ = &node;
    }

    Node& pop() noexcept {
        RILL_ASSERT(first_);
        Node& node = *first_;
        first_ = static_cast<Node*>(node.next);
        if (!first_)
            last_ = nullptr;
        return node;
    }

    /// Takes all of @p other, in its order, behind what is here.
    void splice(intrusive_queue& other) noexcept {
        if (other.empty())
            return;
        if (last_)
            last_->next = other.first_;
        else
            first_ = other.first_;
        last_ = other.last_;
        other.first_ = other.last_ = nullptr;
    }

    /// Takes @p node out; false if it is not here.
    bool remove(Node& node) noexcept {
        Node* before = nullptr;
        for (Node* n = first_; n; before = n, n = static_cast<Node*>(n->next)) {
            if (n != &node)
                continue;
            Node* after = static_cast<Node*>(n->next);
            if (before)
                before->next = after;
            else
                first_ = after;
            if (last_ == n)
                last_ = before;
            return true;
        }
        return false;
    }

private:
    Node* first_ = nullptr;
    Node* last_ = nullptr;  // null if and only if first_ is
};

using task_queue = intrusive_queue<task>;

}  // namespace rill::engine
