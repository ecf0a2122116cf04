// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/context/strand_state.hpp>

namespace rill::engine {

// The runner. Its owner is the loop that runs it, or outside_any_loop().
RILL_DECL void strand_state::run_turn(loop* owner, task& self) {
    auto& s = static_cast<strand_state&>(self);
    hand_over* h = hand_over::find(s);
    if (!owner) {
        if (h)
            h->dropped = true;
        else
            s.drop_all();
        return;
    }
    // An inner executor that runs inside execute() what should not run there has no other work to let past; and a batch
    // within a batch within a batch would fill the stack.
    s.run_batches(owner, !(h && h->again));
}

// One batch. There are more only if the inner executor does not take the runner: who else would run them?
RILL_DECL void strand_state::run_batches(const loop* owner, bool bounded) {
    do {
        try {
            const running here(*this);
            run_tasks(owner, bounded);
        } catch (...) {
            if (!end_turn())
                put_off();
            throw;
        }
    } while (!end_turn());
}

RILL_DECL void strand_state::run_tasks(const loop* owner, bool bounded) {
    const loop* const inside = owner != outside_any_loop() ? owner : nullptr;
    for (unsigned done = 0; !bounded || done != batch; ++done) {
        if (local_.empty()) {
            if (!queue_.has_arrived())
                return;
            queue_.take(local_);
        }
        task& t = local_.pop();
        t.run(outside_any_loop(), t);
        if (inside && inside->stopped())
            return;
    }
}

// The owner leaves, or hands over to the runner; afterwards the state may be gone. False, and it still owns the strand: there
// are tasks, but the inner executor has thrown.
RILL_DECL bool strand_state::end_turn() {
    while (local_.empty() && !queue_.has_arrived())
        if (queue_.leave()) {
            remove_reference();
            return true;
        }
    hand_over h(*this, true);
    try {
        schedule_again(owned_task(*this));
    } catch (...) {
        if (h.dropped)
            return false;
        throw;  // it was run inside, and a task has thrown
    }
    if (h.dropped)
        drop_all();
    return true;
}

// The owner: nobody could be found to run @p t, which is destroyed. What has arrived meanwhile is put off.
RILL_DECL void strand_state::withdraw(task& t) noexcept {
    queue_.take(local_);
    local_.remove(t);
    t.run(nullptr, t);
    put_off();
}

// The owner leaves what there is for the next one.
RILL_DECL void strand_state::put_off() noexcept {
    while (!queue_.leave())
        queue_.take(local_);
    remove_reference();
}

// The owner: destroys what there is. Its destructors may submit more.
RILL_DECL void strand_state::drop_all() noexcept {
    do {
        queue_.take(local_);
        while (!local_.empty()) {
            task& t = local_.pop();
            t.run(nullptr, t);
        }
    } while (!queue_.leave());
    remove_reference();
}

RILL_DECL void strand_state::end() noexcept {
    RILL_ASSERT(!queue_.is_owned());
    while (!local_.empty()) {
        task& t = local_.pop();
        t.run(nullptr, t);
    }
    delete this;
}

}  // namespace rill::engine
