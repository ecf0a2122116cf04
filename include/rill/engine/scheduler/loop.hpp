// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>
#include <rill/core/thread_mark.hpp>
#include <rill/engine/driver/driver.hpp>
#include <rill/engine/scheduler/crew.hpp>
#include <rill/engine/scheduler/inbox.hpp>
#include <rill/engine/scheduler/timer_queue.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace rill::engine {

/// The run loop: a queue of tasks, a driver that answers requests, and the timers.
///
/// Solo: the thread inside run() owns the queue, the timers and the driver; what other threads want comes through the
/// inbox. `owner_` says who that is, so the loop's own thread finds out with one plain load where it is.
/// Shared: each thread inside run() is a worker with a queue of its own, and all of them are the crew, which see. Any
/// thread calls the driver, which has its own locks; `timers_mutex_` guards the timers. Order of locks: a
/// registration's, or timers_mutex_, before mutex_, before a worker's.
/// Both: whoever may let run() end on another thread (stop(), the last work, a wake-up) does it with mutex_ held, which
/// shut_down() takes last, so that the loop is not freed under it.
///
/// Work is what run() waits for: requests with the driver or the timer queue, tasks in the queue, and guards. Solo,
/// what still lies in the inbox is not counted; run() looks there before it ends. Shared, a worker counts for itself,
/// and settles it with `foreign_work_` before it waits or leaves: so that is exact while none is awake, and only then
/// it tells that nothing is left.
class loop : public in_source_memory {
public:
    /// @p context is the user's object behind it, which the engine only keeps.
    loop(std::unique_ptr<driver> d, threading t, void* context) noexcept;
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;

    /// Ends every request, destroys every task without running it, and frees the loop once its last guard is gone.
    RILL_COLD void shut_down() noexcept;

    /// As the driver's. On the loop's thread, or while nobody runs it.
    RILL_COLD error_code notify_fork(fork_event event) noexcept;

    // -- running

    /// Runs at most @p most tasks: waits for them until @p until (max(): for ever; min(): not at all). Returns how
    /// many. It returns earlier once the loop is stopped, which it also is when no work is left. Throws  what a task
    /// throws; operation_not_permitted if the loop is solo and another thread runs it
    std::size_t run(std::size_t most, time_point until);

    RILL_COLD void stop() noexcept;
    bool stopped() const noexcept { return stopped_.load(std::memory_order_seq_cst); }
    void restart() noexcept { stopped_.store(false, std::memory_order_seq_cst); }

    /// Whether this thread is inside run().
    bool runs_here() const noexcept;

    void* context() const noexcept { return context_; }
    bool solo() const noexcept { return threading_ == threading::solo; }
    time_point now() const noexcept { return driver_->now(); }
    const char* backend_name() const noexcept { return driver_->name(); }

    // -- tasks and work: any thread, any time

    /// Queues @p t, as one piece of work.
    void post(task& t) noexcept;

    void work_started() noexcept;
    void work_finished() noexcept;

    // -- requests: any thread; the caller's handle or timer object is not used by another thread meanwhile

    /// Hands @p q on. It counts as work until it has been delivered; it is never delivered from inside this call.
    void start(request& q) noexcept;

    /// start() for a caller that can deliver at once: true if @p q was answered here and now, and is the caller's
    /// again; it still counts, until the caller calls work_finished(). Only the loop's own thread, or any thread if the
    /// loop is shared, ever sees true.
    [[nodiscard]] bool start_or_answer(request& q) noexcept;

    /// Ends the request that @p m names, unless it has been answered. Any thread, as long as the operation lives.
    void cancel(cancel_message& m) noexcept;

    /// Waits, on the loop's thread, for the message of an answered request to come back.
    void take_back(cancel_message& m) noexcept;

    /// Takes a wait back that was started and has not been answered: it is the caller's again. False: it has been
    /// answered, and will be delivered; or it is not within reach.
    [[nodiscard]] bool withdraw(timer_request& wait) noexcept;

    /// Whether this thread may touch the driver and the timers itself.
    bool within_reach() const noexcept { return !solo() || owned_here(); }

    // -- handles

    /// What a receive_block_request needs before it is started. Null: out of memory.
    block_pool* blocks() noexcept { return driver_->blocks.get(); }
    /// Throws  std::bad_alloc, or what the user's allocator throws
    std::shared_ptr<registered_memory> memory() { return driver_->memory(); }
    std::size_t block_size() const noexcept { return driver_->blocks.block_size(); }

    registration* attach(native_handle handle, registration** owner, error_code& ec) noexcept;

    /// The same of a handle that is no socket.
    RILL_COLD registration* attach_other(native_handle handle, handle_kind kind, registration** owner,
                                         error_code& ec) noexcept;
    /// The driver will answer a request that it was not given, and that counts as work already.
    void begun_elsewhere() noexcept { driver_->begun_elsewhere.fetch_add(1, std::memory_order_relaxed); }

    /// Ends all requests of @p r.
    RILL_COLD error_code cancel_all(registration& r) noexcept;

    /// Ends all requests of @p r, forgets it and closes its handle.
    RILL_COLD error_code close(registration& r) noexcept;

    /// Ends all requests of @p r and forgets it; the handle stays open. Solo, while another thread runs the loop:
    /// operation_not_supported, and nothing has changed.
    RILL_COLD error_code release(registration& r) noexcept;

    /// As the driver's. Out of memory it does nothing.
    RILL_COLD void take_ahead(registration& r, request_kind what) noexcept;

    // -- timers

    /// Null: out of memory.
    RILL_COLD timer_group* add_group(timer_group** owner) noexcept;

    /// Ends up to @p most waits of @p g, the oldest first. Returns how many; 0 if the loop will do it later, because
    /// it is solo and runs on another thread.
    std::size_t cancel_waits(timer_group& g, std::size_t most) noexcept;

    /// Ends all waits of @p g, and frees it.
    RILL_COLD void remove_group(timer_group& g) noexcept;

private:
    ~loop() = default;

    // How many tasks run between two looks at the driver while there is no lack of tasks; and how many waits are
    // answered at once, so that they run while they are still in the processor's caches.
    static constexpr unsigned turn_length = 128;

    // Added to foreign_work_ when the loop shuts down: the guard that brings it down to just this frees the loop.
    static constexpr std::int64_t shut_down_mark = std::int64_t{1} << 40;

    class solo_ownership;
    class direct_access;
    struct posted_cancel;
    struct posted_take_ahead;
    struct posted_cancel_waits;

    std::size_t run_solo(std::size_t most, time_point until);
    bool find_task_solo(time_point until) noexcept;
    std::size_t run_shared(std::size_t most, time_point until);
    std::size_t run_as(worker& me, std::size_t most, time_point until);
    task* find_task_shared(worker& me, time_point until) noexcept;
    bool wait_shared(worker& me, time_point until, scoped_lock& lock) noexcept;
    void settle(worker& me) noexcept;
    void post_shared(task& t) noexcept;
    RILL_COLD void wake_if_wanted() noexcept;
    RILL_COLD void wake_everyone() noexcept;
    void push(worker& me, task_queue& ready) noexcept;
    void expire_timers(task_queue& ready) noexcept;
    time_point next_deadline(time_point until) noexcept;
    bool is_over(time_point until) const noexcept;

    bool owned_here() const noexcept {
        return (owner_.load(std::memory_order_relaxed) & ~std::uintptr_t{1}) == this_thread_mark();
    }
    bool borrow() noexcept;
    void give_back() noexcept { owner_.store(0, std::memory_order_release); }
    void push_inbox(task& t) noexcept;
    void take_inbox() noexcept {
        if (!inbox_.idle())
            take_arrived();
    }
    void take_arrived() noexcept;
    RILL_COLD void start_elsewhere(request& q) noexcept;
    void start_now(request& q, task_queue& ready) noexcept;
    void begin(request& q, task_queue& ready) noexcept;
    void begin_wait(timer_request& wait, task_queue& ready) noexcept;
    void end(request& q, task_queue& ready) noexcept;
    std::size_t end_waits(timer_group& g, std::size_t most, task_queue& ready) noexcept;
    RILL_COLD void free_group(timer_group& g, task_queue& ready) noexcept;
    RILL_COLD void end_deadlines(task_queue& ended) noexcept;
    void deliver(task_queue& ready) noexcept;
    bool has_work() const noexcept { return local_work_ + foreign_work_.load(std::memory_order_seq_cst) > 0; }

    RILL_COLD static void serve_close(loop* owner, task& message) noexcept;
    RILL_COLD static void serve_cancel_all(loop* owner, task& message) noexcept;
    RILL_COLD static void serve_take_ahead(loop* owner, task& message) noexcept;
    RILL_COLD static void serve_cancel_waits(loop* owner, task& message) noexcept;
    RILL_COLD static void serve_remove_group(loop* owner, task& message) noexcept;

    // Keeps what one thread writes all the time out of the cache lines that others read or write.
    struct apart {
        unsigned char unused[64];
    };

    // Hardly ever written.
    void* const context_;
    const threading threading_;
    std::atomic<bool> stopped_{false};
    // Solo: 0, nobody; the address of a thread's own variable, the thread inside run(); that plus 1, a thread that is
    // not inside run() and has borrowed the loop for the length of a function call.
    std::atomic<std::uintptr_t> owner_{0};
    std::unique_ptr<driver> driver_;
    timer_group* groups_ = nullptr;  // groups_mutex_
    [[maybe_unused]] apart before_foreign_;

    // Written by other threads.
    std::atomic<std::int64_t> foreign_work_{0};  // any thread; shared: all but what workers have not settled
    inbox inbox_;
    std::atomic<unsigned> cancelling_{0};  // shared: threads inside cancel()
    [[maybe_unused]] apart before_own_;

    // Solo, owner.
    task_queue queue_;
    std::int64_t local_work_ = 0;        // below zero if others finish what it started, or it theirs
    unsigned until_look_ = turn_length;  // tasks to run before the next look at the driver
    unsigned depth_ = 0;                 // run() within run()
    // The deadline of the driver's last wait, unless it had come already when the clock was read last; then max(). So no
    // wait that is due later needs a look at the clock before the next one.
    time_point told_ = (time_point::max)();
    std::atomic<std::int64_t> local_work_asleep_{0};  // local_work_, written before each sleep, for other threads
    [[maybe_unused]] apart before_shared_;

    mutex mutex_;
    mutex timers_mutex_;
    mutex groups_mutex_;
    crew crew_{mutex_, inbox_};  // shared, mutex_

    timer_queue timers_;  // owner, or timers_mutex_; the last because it is large
};

}  // namespace rill::engine

#include RILL_BODY(loop.ipp)
