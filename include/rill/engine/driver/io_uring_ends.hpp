// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/driver/io_uring.hpp>
#include <rill/engine/system/gnu_linux/listening_address.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <utility>

namespace rill::engine {

// -- requests end

inline void io_uring_driver::cancel(request& q, task_queue& ready) noexcept {
    if (!q.handle)
        return;  // answered before it was started
    auto& r = static_cast<entry&>(*q.handle);
    guard lock(*this);
    if (q.state == request_state::created) {
        q.cancelled = true;
    } else if (q.state == request_state::waiting && ((q.progress & in_ring) == 0 || take_out(r, q))) {
        r.waiting[index(q.way)].remove(q);
        forget_hunger(q);
        q.answer(error::operation_aborted);
        if (!is_owed(q))
            ready.push(q);
        put_next(r, q.way);  // it may have been the first
        if (request* s = standing(r.waiting[index(q.way)]))
            stop_if_unwanted(r, *s);
    } else if (q.state == request_state::waiting && (q.progress & cancel_asked) == 0) {
        q.progress |= cancel_asked;
        if ((q.progress & cancel_put) == 0)
            put_cancel(r, q);
        // Now, and not with the next wait: what arrives from here on is for the requests behind it.
        submit_now(lock);
        take_completions(ready);
    }
    if (behind_)
        catch_up(lock, ready);
    help_waiter(lock);
}

/// Takes @p q out of the ring, if the kernel has not taken its entry yet, and cannot meanwhile.
inline bool io_uring_driver::take_out(entry& r, request& q) noexcept {
    if (callers_ != 0 || idle_ms_ != 0)
        return false;
    ring_entry* e = ring_.find_unsubmitted(user_data_of(q));
    if (!e)
        return false;
    *e = ring_entry{};  // IORING_OP_NOP
    e->user_data = for_nobody;
    q.progress &= static_cast<std::uint8_t>(~in_ring);
    --in_flight_;
    r.in_ring.store(r.in_ring.load(std::memory_order_relaxed) - 1, std::memory_order_release);
    return true;
}

// What the kernel has ends later. @p for_good: the handle goes, and with it what was taken ahead.
inline void io_uring_driver::end_all(entry& r, task_queue& ready, bool for_good) noexcept {
    for (auto& queue : r.waiting) {
        request_ring kept;
        if (standing(queue) && !for_good)
            kept.push(queue.pop());
        while (!queue.empty()) {
            request& q = queue.pop();
            if ((q.progress & in_ring) == 0 || take_out(r, q)) {
                forget_hunger(q);
                if ((q.progress & stands) != 0) {
                    destroy(q);
                    continue;
                }
                q.answer(error::operation_aborted);
                if (!is_owed(q))
                    ready.push(q);
                continue;
            }
            kept.push(q);
            q.progress |= cancel_asked;
            if ((q.progress & cancel_put) == 0)
                put_cancel(r, q);
        }
        queue = kept;
        if (request* s = standing(queue); s && !for_good)
            stop_if_unwanted(r, *s);
    }
}

inline void io_uring_driver::cancel_all(registration& base, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(base);
    guard lock(*this);
    end_all(r, ready, false);
    if (r.in_ring.load(std::memory_order_relaxed) != 0) {
        submit_now(lock);  // as in cancel()
        take_completions(ready);
    }
    if (behind_)
        catch_up(lock, ready);
    help_waiter(lock);
}

/// Waits until the kernel has given back all of @p r. False, if it need not be: it takes too long. (What another thread
/// has submitted comes back when that thread calls the kernel next, or is interrupted.)
inline bool io_uring_driver::reap(entry& r, guard& lock, task_queue& ready, bool must) noexcept {
    for (int tries = 0; r.in_ring.load(std::memory_order_relaxed) != 0; ++tries) {
        constexpr int enough = 100;
        if (tries > enough && !must && ring_.unsubmitted() == 0)
            return false;
        enter(lock, tries == 0 ? 0 : 1, std::chrono::milliseconds(1));
        take_completions(ready);
        if (behind_)
            catch_up(lock, ready);
    }
    return true;
}

// The number may be another file's as soon as this returns: an entry that the kernel has not taken yet must not name it.
inline void io_uring_driver::detach(registration& base, bool closing, task_queue& ready) noexcept {
    auto& r = static_cast<entry&>(base);
    system::listening_address address;
    {
        guard lock(*this);
        if (closing && r.may_listen && !has_forked_ && r.in_ring.load(std::memory_order_relaxed) != 0)
            address.note(r.handle);
        end_all(r, ready, true);
        r.owner = nullptr;
        const bool is_free = reap(r, lock, ready, !closing || r.may_listen);
        help_waiter(lock);
        if (!is_free) {
            // TRICKY: before the handle is forgotten. The peer sees the end, though the kernel's hands are on the file.
            if (!has_forked_)
                ::shutdown(r.handle, SHUT_RDWR);
            r.has_gone = true;
            r.handle = no_handle;
            return;
        }
        if (address.is_noted())
            system::abandon_file(r.handle);
        r.handle = no_handle;
    }
    registrations_.put_back(r);
    address.wait_until_free();
}

// The kernel's requests hold the file, and only the loop's thread can end them: but they end by themselves when the
// connection is shut down. Another process that has it too would notice.
inline void io_uring_driver::abandon(registration& base) noexcept {
    auto& r = static_cast<entry&>(base);
    const native_handle kept = has_forked_ ? no_handle : ::fcntl(r.handle, F_DUPFD_CLOEXEC, 0);
    system::listening_address address;
    if (kept != no_handle)
        address.note(kept);  // TRICKY: before the file is abandoned: that ends the listening
    system::abandon_file(r.handle, has_forked_);
    if (kept == no_handle)
        return;
    // From here on a request that is put in names a file that is none of the network's.
    const bool is_held = r.in_ring.load(std::memory_order_acquire) != 0;
    if (is_held)
        ::shutdown(kept, SHUT_RDWR);
    system::close(kept);
    if (!is_held || !address.is_noted())
        return;
    // The loop's thread may be busy, or wait for this one: then it is not waited for. (But on a machine that has much to do
    // it may not run for some tenths of a second.)
    const time_point end = now() + std::chrono::seconds(1);
    while (r.in_ring.load(std::memory_order_acquire) != 0 && now() < end)
        yield_thread();
    address.wait_until_free();
}

inline void io_uring_driver::shut_down(task_queue& ready) noexcept {
    guard lock(*this);
    ready.splice(answered_);
    registrations_.for_each([&](entry& r) noexcept {
        if (r.handle != no_handle && r.owner)
            *std::exchange(r.owner, nullptr) = nullptr;
        end_all(r, ready, true);
    });
    for (int tries = 0; in_flight_ != 0 || owed_ != 0; ++tries) {
        enter(lock, tries == 0 ? 0 : 1, std::chrono::milliseconds(1));
        take_completions(ready);
        if (behind_)
            catch_up(lock, ready);
    }
    registrations_.for_each([&](entry& r) noexcept {
        if (r.handle == no_handle)
            return;
        r.handle = no_handle;
        registrations_.put_back(r);
    });
}

}  // namespace rill::engine
