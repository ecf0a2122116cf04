// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/request/timer_request.hpp>

namespace rill::engine {

/// The waits of one loop, in a pairing heap: adding is one comparison and never allocates, removing the young costs no
/// more, and the nodes lie in the operations.
class timer_queue {
public:
    bool empty() const noexcept { return root_ == nullptr; }

    /// The earliest time at which something may be due. Not if empty().
    time_point earliest() const noexcept { return root_->due; }

    /// Adds a request to the heap and to its group. True if it is the new earliest.
    bool add(timer_request& r) noexcept;

    /// Takes a waiting request out of the heap and its group.
    void remove(timer_request& r) noexcept;

    /// Answers what is due at @p now, the earliest first.
    void expire(time_point now, task_queue& ready) noexcept;

private:
    static bool before(const timer_request& a, const timer_request& b) noexcept {
        return a.due < b.due || (a.due == b.due && a.sequence < b.sequence);
    }
    static timer_request* merge(timer_request* a, timer_request* b) noexcept;
    static timer_request* merge_siblings(timer_request* first) noexcept;
    void take_out(timer_request& r) noexcept;

    timer_request* root_ = nullptr;
    std::uint64_t sequence_ = 0;
};

}  // namespace rill::engine

#include RILL_BODY(timer_queue.ipp)
