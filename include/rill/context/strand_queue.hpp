// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/request/task.hpp>

#include <atomic>

namespace rill::engine {

/// Who owns a strand, and what has arrived for it.
///
/// One atomic word, the head, with three kinds of values:
///   null     nobody owns the strand, and nothing has arrived
///   owned    somebody owns it; nothing has arrived since the owner last took what there was
///   a task   somebody owns it; the newest of a chain, linked by `next`, of what has arrived since
///
/// The owner is a promise that the strand's tasks are run: a runner that lies in the inner executor's queue, or the
/// thread that runs it. The promise changes hands only through that executor, or through this word.
///
/// Never two owners: only the step from null makes an owner, push() and try_own() make it by a compare-and-exchange,
/// which one thread wins; and only the owner goes back to null.
/// No lost wake-up: leave() goes back to null by a compare-and-exchange that fails if anything has arrived. So a push
/// comes either before it, and the owner stays; or behind it, and whoever pushed is the owner. Between the two there is
/// nothing, because both are steps of the same word.
/// A push that is overtaken between its look and its step tries again. If the word has meanwhile changed and changed
/// back, the step is still right: the node is linked to the head that is there at the step, whatever it was before.
/// What the last owner has written is seen by the next one, and what was written before a push by who runs the task:
/// leave() and push() release, try_own(), take() and a push that finds null acquire.
///
/// tests/context/strand_interleavings.cpp runs this class, step by step, in every order that a few threads can take.
class strand_queue {
public:
    /// Adds @p t, from any thread. True if the caller now owns the strand.
    [[nodiscard]] bool push(task& t) noexcept {
        task* seen = look();
        while (!try_push(t, seen)) {
        }
        return seen == nullptr;
    }

    /// Owns the strand if nobody does.
    [[nodiscard]] bool try_own() noexcept {
        task* nobody = nullptr;
        return head_.load(std::memory_order_relaxed) == nullptr &&
               head_.compare_exchange_strong(nobody, owned(), std::memory_order_acquire, std::memory_order_relaxed);
    }

    /// The owner: whether take() would find something. It sees every push that happens before this call.
    bool has_arrived() const noexcept { return head_.load(std::memory_order_relaxed) != owned(); }

    /// The owner: moves what has arrived behind @p to, oldest first.
    void take(task_queue& to) noexcept {
        task* newest = head_.exchange(owned(), std::memory_order_acquire);
        if (newest == owned())
            return;
        task* oldest = nullptr;
        while (newest) {
            task* next = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = next;
        }
        while (oldest) {
            task& t = *oldest;
            oldest = t.next;
            to.push(t);
        }
    }

    /// The owner: owns the strand no more. False, and still does, if something has arrived.
    [[nodiscard]] bool leave() noexcept {
        task* nothing = owned();
        return head_.compare_exchange_strong(nothing, nullptr, std::memory_order_release, std::memory_order_relaxed);
    }

    /// The two steps of push(): a look, and an attempt that is right if nothing has changed since. After a failed
    /// attempt @p seen is what there is now.
    task* look() const noexcept { return head_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool try_push(task& t, task*& seen) noexcept {
        t.next = seen == owned() ? nullptr : seen;
        return head_.compare_exchange_strong(seen, &t, std::memory_order_acq_rel, std::memory_order_relaxed);
    }

    bool is_owned() const noexcept { return look() != nullptr; }

private:
    // The address of an object that is no task.
    static task* owned() noexcept {
        static constinit char marker alignas(task) = 0;
        return reinterpret_cast<task*>(&marker);
    }

    std::atomic<task*> head_{nullptr};
};

}  // namespace rill::engine
