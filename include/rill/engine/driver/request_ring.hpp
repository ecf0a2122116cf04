// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/request/request.hpp>

namespace rill::engine {

/// The requests that wait in one direction, first in, first out: a ring in one pointer, as there are three for each
/// handle.
class request_ring {
public:
    bool empty() const noexcept { return last_ == nullptr; }
    request* front() const noexcept { return static_cast<request*>(last_->next); }

    void push(request& q) noexcept {
        if (last_) {
            q.next = last_->next;
            last_->next = &q;
        } else {
            q.next = &q;
        }
        last_ = &q;
    }

    void push_front(request& q) noexcept {
        if (!last_)
            return push(q);
        q.next = last_->next;
        last_->next = &q;
    }

    request& pop() noexcept {
        RILL_ASSERT(last_);
        request& q = *front();
        if (&q == last_)
            last_ = nullptr;
        else
            last_->next = q.next;
        return q;
    }

    /// Takes @p q out, which is there.
    void remove(request& q) noexcept {
        request* before = last_;
        while (before->next != &q) {
            before = static_cast<request*>(before->next);
            RILL_ASSERT(before != last_);
        }
        before->next = q.next;
        if (&q == last_)
            last_ = before == &q ? nullptr : before;
    }

    /// Calls f(request) for each, the first first; f may not change the ring.
    template <class Function>
    void for_each(Function f) const noexcept {
        for (request* q = last_; q;) {
            q = static_cast<request*>(q->next);
            f(*q);
            if (q == last_)
                break;
        }
    }

private:
    request* last_ = nullptr;  // whose `next` is the first
};

}  // namespace rill::engine
