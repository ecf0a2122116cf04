// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/fork_event.hpp>
#include <rill/core/memory_source.hpp>
#include <rill/engine/driver/block_pool.hpp>
#include <rill/engine/driver/registered_memory.hpp>
#include <rill/engine/request/request.hpp>

#include RILL_SYSTEM(descriptor.hpp)
#include RILL_SYSTEM(mutex.hpp)

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>

namespace rill::engine {

/// Who runs a loop: one thread, which then needs no lock of its own; or any number.
enum class threading : bool { solo, shared };

/// What a driver is made with.
struct driver_options {
    memory_source* memory = nullptr;                        ///< for what it keeps for long; null: the global heap
    bool use_timerfd = true;                                ///< epoll: an alarm for deadlines rather than a time-out
    std::size_t preallocated = 0;                           ///< registrations
    bool pinned = false;                                    ///< solo: one thread stays inside run() for long
    unsigned ring_entries = 256;                            ///< io_uring: how many requests one call submits
    std::size_t block_size = block_supply::default_size;    ///< of what is received without a buffer
    std::size_t block_count = block_supply::default_count;  ///< and how many there are
    unsigned ring_idle_ms = 0;  ///< io_uring, above 0: a thread of the kernel's submits, and sleeps after so long
};

/// A driver's state for one handle, at an address that stays valid until the driver dies. Each driver derives its own.
struct registration : service_message {
    registration() noexcept : service_message(nullptr) {}

    native_handle handle = no_handle;
    registration** owner = nullptr;    // the I/O object's pointer to this; cleared when the loop goes first
    std::atomic<bool> closing{false};  // solo: another thread has closed it, the loop does not know yet
};

/// What a handle stands for, where the system does not treat all of them alike.
enum class handle_kind : unsigned char {
    socket,
    file,    ///< what overlapped_requests are for: files and pipes
    object,  ///< it is waited for, and nothing else
};

/// How far a wait may go.
struct wait_limit {
    bool look_only = false;                     ///< answer what is ready now
    time_point deadline = (time_point::max)();  ///< of now(); max(): until something happens
    /// Where many may wait: the deadline ends the wait of any one of them, this one that of the caller.
    time_point own_deadline = (time_point::max)();

    static wait_limit none() noexcept { return wait_limit{true, (time_point::min)(), (time_point::min)()}; }
};

/// From @p now to @p deadline; nothing if that has passed.
inline time_point::duration time_left(time_point deadline, time_point now) noexcept {
    return deadline > now ? deadline - now : time_point::duration::zero();
}

/// A mechanism of the operating system: it is given requests and gives back answered ones.
///
/// Answered requests are pushed to the `ready` queue that is passed in; no driver knows the scheduler. A request stays
/// with the driver from start() until it comes back through some `ready`, exactly once.
///
/// Threads  A solo driver: one thread at a time, but for attach(), abandon() and wake(), which any thread may call at
///          any time. A shared driver: every function from any thread, wait() from one at a time.
class driver : public in_source_memory, public block_user {
public:
    driver() noexcept : blocks(*this) {}
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;
    virtual ~driver() = default;

    /// The mechanism's name, as in RILL_BACKEND.
    virtual const char* name() const noexcept = 0;

    /// Takes up @p handle, which must be non-blocking. Null, and @p ec says why, if the system refuses.
    virtual registration* attach(native_handle handle, error_code& ec) noexcept = 0;

    /// The same of a handle that is no socket.
    virtual registration* attach_other(native_handle, handle_kind, error_code& ec) noexcept {
        ec = error::operation_not_supported;
        return nullptr;
    }

    /// Answers all requests of @p r with operation_aborted and forgets the handle. @p closing: the handle is closed
    /// next.
    virtual void detach(registration& r, bool closing, task_queue& ready) noexcept = 0;

    /// Solo, before a detach() that the loop's thread has to do: lets go of the open file behind @p r, but not of its
    /// number. Afterwards the peer has seen the end, and an address that was bound is free.
    virtual void abandon(registration& r) noexcept { system::abandon_file(r.handle); }

    /// Takes @p q, which names its registration. It may be answered at once; nothing else goes to @p ready.
    virtual void start(request& q, task_queue& ready) noexcept = 0;

    /// Ends @p q with operation_aborted, unless it is answered already. One that is not started yet remembers it.
    virtual void cancel(request& q, task_queue& ready) noexcept = 0;

    /// Ends all requests of @p r with operation_aborted.
    virtual void cancel_all(registration& r, task_queue& ready) noexcept = 0;

    /// The system may accept connections, or receive, of @p r before somebody asks for it, if it can: @p what is accept, or
    /// receive of a stream.
    virtual void take_ahead([[maybe_unused]] registration& r, [[maybe_unused]] request_kind what) noexcept {}

    /// Waits until something is answered, the limit is reached, or someone calls wake(). It may return early.
    virtual void wait(wait_limit limit, task_queue& ready) noexcept = 0;

    /// Makes a wait() that runs now, or else the next one that would block, return.
    void wake() noexcept override = 0;

    /// Shared: whether several threads may be inside wait(). What is answered then comes to one of them.
    virtual bool many_may_wait() const noexcept { return false; }

    /// Shared, while a thread is inside wait(): makes sure that one returns at @p deadline, or before.
    virtual void expect([[maybe_unused]] time_point deadline) noexcept { wake(); }

    /// Solo: the thread that called wait() leaves run(), and another may call it next.
    virtual void leave() noexcept {}

    /// The process forks: called before it, and in both processes after it, while no other thread is in the driver. What
    /// is in the kernel and would be shared is the new process's own from fork_event::child on; each request continues in
    /// both. If the system refuses what that needs it may be called again, and nothing else may be until it succeeds but
    /// shut_down().
    virtual error_code notify_fork(fork_event) noexcept { return error_code(); }

    /// The clock of deadlines and timers.
    virtual time_point now() const noexcept { return std::chrono::steady_clock::now(); }

    /// Ends every request of every registration and clears the owners' pointers: the last call before destruction, but
    /// for that of blocks.let_go().
    virtual void shut_down(task_queue& ready) noexcept = 0;

    /// Memory that the user registers, from the first time on.
    /// Throws  std::bad_alloc, or what the user's allocator throws
    const std::shared_ptr<registered_memory>& memory() {
        scoped_lock lock(memory_mutex_);
        if (!memory_)
            memory_ = std::allocate_shared<registered_memory>(source_allocator<registered_memory>(blocks.source()));
        return memory_;
    }

    /// Requests that were not started here, but will be answered here. Below zero for the moment in which one has been
    /// answered already, and not been counted yet.
    std::atomic<std::ptrdiff_t> begun_elsewhere{0};

    /// What receive_block_requests are answered with. The pool is there before one is started.
    block_supply blocks;

protected:
    /// Null: nobody has registered any.
    std::shared_ptr<registered_memory> memory_made() const noexcept {
        scoped_lock lock(memory_mutex_);
        return memory_;
    }

private:
    mutable mutex memory_mutex_;
    std::shared_ptr<registered_memory> memory_;
};

}  // namespace rill::engine
