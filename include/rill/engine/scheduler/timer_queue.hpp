// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/request/timer_request.hpp>

#include <cstddef>
#include <cstdint>

namespace rill::engine {

/// The waits of one loop, in a radix wheel: adding and removing take constant time and no memory, and until a wait is
/// answered it is moved once for each level at most. The nodes lie in the operations.
///
/// A due time is a number of digits in base 64. The wheel is seen from `base_`, which no wait in it is before: a wait
/// lies in the level of the highest digit in which it differs from base_, and there in the slot of that digit. So the
/// earliest is in the lowest slot of the lowest level that is not empty.
///
/// Order: by time, equal times as they were added. For a wait whose time had already passed when expire() was called
/// last, base_ may stand in for that time; those that share it are answered as they were added.
class timer_queue {
public:
    timer_queue() noexcept {}  // the slots are left as they are, see there
    timer_queue(const timer_queue&) = delete;
    timer_queue& operator=(const timer_queue&) = delete;

    bool empty() const noexcept { return levels_ == 0; }

    /// No wait is due before. It may be too early, after a wait was removed; expire() then finds a better one. Not if
    /// empty().
    time_point earliest() const noexcept;

    /// Adds a request to the wheel and to its group, if it has one. True if earliest() was later before.
    bool add(timer_request& r) noexcept;

    /// Takes a waiting request out of the wheel and its group.
    void remove(timer_request& r) noexcept;

    /// Answers what is due at @p now, the earliest first, but no more than @p most. At time_point::max() all are, those
    /// of clocks that can be set too.
    void expire(time_point now, task_queue& ready, std::size_t most) noexcept;

private:
    /// A time since time_point::min(), in the clock's ticks.
    using key = std::uint64_t;

    static constexpr unsigned digit = 6;  // bits
    static constexpr unsigned slot_count = 1 << digit;
    static constexpr unsigned level_count = (64 + digit - 1) / digit;

    /// Waits linked by `next`.
    struct slot {
        task* first;
        task** end;  // the link behind the last
        key least;   // no wait in here is before; exact until one was removed
    };
    struct place {
        unsigned level;
        unsigned index;
    };

    static constexpr key sign = key{1} << 63;

    static key key_of(time_point t) noexcept;
    key key_of(const timer_request& r) const noexcept;  // not before base_
    place place_of(key k) const noexcept;
    place first_place() const noexcept;
    slot& at(place p) noexcept { return slots_[p.level][p.index]; }
    void append(timer_request& r) noexcept;
    void take_out(timer_request& r) noexcept;
    void move_down(place p) noexcept;
    void mark_empty(place p) noexcept;

    key base_ = 0;
    unsigned levels_ = 0;                  // bit k: filled_[k] is not 0
    std::uint64_t filled_[level_count]{};  // bit k: slot k of that level is not empty

    // What is not marked as filled is not initialised: a loop without timers does not touch this memory.
    slot slots_[level_count][slot_count];
};

}  // namespace rill::engine

#include RILL_BODY(timer_queue.ipp)
