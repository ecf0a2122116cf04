// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/request/request.hpp>

namespace rill::engine {

/// A wait for a point in time: while it waits, a node of one of the timer queue's lists, linked by `next`, and of its
/// group's.
struct timer_request : request {
    /// For clocks that can be set: the steady time at which to look again, or a time not after @p now if it is due.
    using next_look = time_point (*)(const timer_request&, time_point now);

    timer_request(function f, time_point d) noexcept : request(f, request_kind::wait_until, direction::read), due(d) {
        group = nullptr;
    }

    time_point due;
    task** before = nullptr;  // the link to this in the timer queue's list
    next_look look_again = nullptr;
    timer_request* group_next = nullptr;
    timer_request* group_before = nullptr;
};

/// The waits of one timer object, oldest first, at an address that outlives the object if its loop is told late.
struct timer_group : service_message {
    timer_group(function f, timer_group** o) noexcept : service_message(f), owner(o) {}

    timer_group** owner;  // the timer object's pointer to this; cleared when the loop goes first
    timer_request* first = nullptr;
    timer_request* last = nullptr;
    timer_group* groups_next = nullptr;  // of all groups of the loop
    timer_group* groups_before = nullptr;

    void add(timer_request& r) noexcept {
        r.group_before = last;
        r.group_next = nullptr;
        (last ? last->group_next : first) = &r;
        last = &r;
    }
    void remove(timer_request& r) noexcept {
        (r.group_before ? r.group_before->group_next : first) = r.group_next;
        (r.group_next ? r.group_next->group_before : last) = r.group_before;
    }
};

}  // namespace rill::engine
