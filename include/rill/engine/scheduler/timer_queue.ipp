// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/scheduler/timer_queue.hpp>

#include <bit>

namespace rill::engine {

// -- where a wait lies

// With the sign bit turned over, so that the order stays.
RILL_INLINE timer_queue::key timer_queue::key_of(time_point t) noexcept {
    static_assert(sizeof(time_point::rep) == sizeof(key));
    return static_cast<key>(t.time_since_epoch().count()) ^ sign;
}

RILL_INLINE timer_queue::key timer_queue::key_of(const timer_request& r) const noexcept {
    const key k = key_of(r.due);
    return k > base_ ? k : base_;
}

RILL_INLINE timer_queue::place timer_queue::place_of(key k) const noexcept {
    const auto level = static_cast<unsigned>(std::bit_width((k ^ base_) | 1) - 1) / digit;
    return {level, static_cast<unsigned>(k >> (level * digit)) % slot_count};
}

RILL_INLINE timer_queue::place timer_queue::first_place() const noexcept {
    const auto level = static_cast<unsigned>(std::countr_zero(levels_));
    return {level, static_cast<unsigned>(std::countr_zero(filled_[level]))};
}

RILL_DECL time_point timer_queue::earliest() const noexcept {
    RILL_ASSERT(!empty());
    const place p = first_place();
    const key least = slots_[p.level][p.index].least;
    return time_point(time_point::duration(static_cast<time_point::rep>(least ^ sign)));
}

// -- lists

// A wait's time and base_ alone say where it lies: so equal times share a list. When base_ changes, all whose place
// changes are moved at once, front to back, into lists that were empty (see move_down()). So a list has equal times in
// the order in which they were added, and none that was added later can be ahead in a lower level.
RILL_INLINE void timer_queue::append(timer_request& r) noexcept {
    const key k = key_of(r);
    const place p = place_of(k);
    slot& s = at(p);
    const std::uint64_t mark = std::uint64_t{1} << p.index;
    if ((filled_[p.level] & mark) == 0) {
        filled_[p.level] |= mark;
        levels_ |= 1u << p.level;
        s.end = &s.first;
        s.least = k;
    } else if (k < s.least) {
        s.least = k;
    }
    r.next = nullptr;
    r.before = s.end;
    *s.end = &r;
    s.end = &r.next;
}

RILL_INLINE void timer_queue::mark_empty(place p) noexcept {
    filled_[p.level] &= ~(std::uint64_t{1} << p.index);
    if (filled_[p.level] == 0)
        levels_ &= ~(1u << p.level);
}

RILL_INLINE void timer_queue::take_out(timer_request& r) noexcept {
    *r.before = r.next;
    if (r.next) {
        static_cast<timer_request*>(r.next)->before = r.before;
        return;
    }
    const place p = place_of(key_of(r));
    slot& s = at(p);
    RILL_ASSERT(s.end == &r.next);
    s.end = r.before;
    if (s.end == &s.first)
        mark_empty(p);
}

// Moves base_ up to the first time in the first slot, and its waits to lower levels, which are empty: they agree with
// base_ in this digit now. The others stay: those of this level still differ from it here, those above there.
RILL_DECL void timer_queue::move_down(place p) noexcept {
    RILL_ASSERT(p.level != 0);
    slot& s = at(p);
    mark_empty(p);
    base_ = s.least;
    for (task* t = s.first; t;) {
        auto& r = static_cast<timer_request&>(*t);
        t = t->next;
        append(r);
        RILL_ASSERT(place_of(key_of(r)).level < p.level);
    }
}

// -- interface

RILL_DECL bool timer_queue::add(timer_request& r) noexcept {
    const bool is_first = empty() || r.due < earliest();
    r.state = request_state::waiting;
    if (r.group)
        r.group->add(r);
    append(r);
    return is_first;
}

RILL_DECL void timer_queue::remove(timer_request& r) noexcept {
    RILL_ASSERT(r.state == request_state::waiting);
    take_out(r);
    if (r.group)
        r.group->remove(r);
}

RILL_DECL void timer_queue::expire(time_point now, task_queue& ready, std::size_t most) noexcept {
    const key end = key_of(now);
    while (!empty() && most != 0) {
        const place p = first_place();
        slot& s = at(p);
        if (s.least > end)
            return;
        auto& r = static_cast<timer_request&>(*s.first);
        if (p.level != 0 && r.next) {
            move_down(p);
            continue;
        }
        // The only one of its slot, or all there have this time.
        take_out(r);
        base_ = s.least;
        if (r.due > now) {  // the least has been removed
            append(r);
            continue;
        }
        if (r.look_again && now != (time_point::max)()) {
            if (time_point again = r.look_again(r, now); again > now) {
                r.due = again;
                append(r);
                continue;
            }
        }
        if (r.group)
            r.group->remove(r);
        r.answer();
        ready.push(r);
        --most;
    }
}

}  // namespace rill::engine
