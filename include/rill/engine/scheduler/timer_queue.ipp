// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/scheduler/timer_queue.hpp>

namespace rill::engine {

RILL_DECL timer_request* timer_queue::merge(timer_request* a, timer_request* b) noexcept {
    if (before(*b, *a)) {
        timer_request* swapped = a;
        a = b;
        b = swapped;
    }
    b->heap_before = a;
    b->heap_sibling = a->heap_child;
    if (b->heap_sibling)
        b->heap_sibling->heap_before = b;
    a->heap_child = b;
    return a;
}

// Two passes, without recursion: pair up from the left, then merge the pairs from the right.
RILL_DECL timer_request* timer_queue::merge_siblings(timer_request* first) noexcept {
    timer_request* pairs = nullptr;  // linked by heap_sibling, the rightmost first
    while (first) {
        timer_request* a = first;
        timer_request* b = a->heap_sibling;
        first = b ? b->heap_sibling : nullptr;
        a->heap_sibling = a->heap_before = nullptr;
        if (b) {
            b->heap_sibling = b->heap_before = nullptr;
            a = merge(a, b);
        }
        a->heap_sibling = pairs;
        pairs = a;
    }
    timer_request* root = nullptr;
    while (pairs) {
        timer_request* a = pairs;
        pairs = a->heap_sibling;
        a->heap_sibling = nullptr;
        root = root ? merge(root, a) : a;
    }
    return root;
}

RILL_DECL bool timer_queue::add(timer_request& r) noexcept {
    r.sequence = sequence_++;
    r.state = request_state::waiting;
    r.heap_child = r.heap_sibling = r.heap_before = nullptr;
    r.group->add(r);
    root_ = root_ ? merge(root_, &r) : &r;
    return root_ == &r;
}

RILL_DECL void timer_queue::take_out(timer_request& r) noexcept {
    timer_request* children = merge_siblings(r.heap_child);
    if (&r == root_) {
        root_ = children;
        return;
    }
    (r.heap_before->heap_child == &r ? r.heap_before->heap_child : r.heap_before->heap_sibling) = r.heap_sibling;
    if (r.heap_sibling)
        r.heap_sibling->heap_before = r.heap_before;
    if (children)
        root_ = merge(root_, children);
}

RILL_DECL void timer_queue::remove(timer_request& r) noexcept {
    RILL_ASSERT(r.state == request_state::waiting);
    take_out(r);
    r.group->remove(r);
}

RILL_DECL void timer_queue::expire(time_point now, task_queue& ready) noexcept {
    while (root_ && root_->due <= now) {
        timer_request& r = *root_;
        take_out(r);
        if (r.look_again) {
            if (time_point again = r.look_again(r, now); again > now) {
                r.due = again;
                r.heap_child = r.heap_sibling = r.heap_before = nullptr;
                root_ = root_ ? merge(root_, &r) : &r;
                continue;
            }
        }
        r.group->remove(r);
        r.answer();
        ready.push(r);
    }
}

}  // namespace rill::engine
