// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/platform.hpp>
#include <rill/engine/scheduler/loop.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <cstddef>

namespace rill::engine {

/// The threads inside run() of a shared loop: the library's own, and those of users that attach themselves. One piece of
/// work keeps them there until join(). What a task throws on one of them ends the program: there is nobody to catch it.
class loop_threads {
public:
    explicit loop_threads(loop& l) noexcept : loop_(l) { loop_.work_started(); }
    loop_threads(const loop_threads&) = delete;
    loop_threads& operator=(const loop_threads&) = delete;

    /// After join().
    ~loop_threads() { RILL_ASSERT(!own_ && inside_ == 0 && !holds_work_); }

    /// Makes @p n threads. Once only.
    /// Throws  system_error: the system has no more threads; the loop is stopped then, and no thread is left
    RILL_COLD RILL_DECL void start(std::size_t n);

    /// The calling thread is one of them, until the loop stops.
    RILL_COLD RILL_DECL void attach() noexcept;

    /// Waits until all have left: after stop(), or when there is no work any more. Any thread, any number of times.
    /// Throws  resource_deadlock_would_occur: the caller is one of them and would wait for itself. An exception in every
    ///         build, as std::thread::join() has it, because there would be nothing to see but a program that hangs
    RILL_COLD RILL_DECL void join();

    /// How many there are now.
    std::size_t count() const noexcept {
        scoped_lock lock(mutex_);
        return inside_;
    }

private:
    struct own_thread;

    RILL_DECL void run() noexcept;
    RILL_DECL void leave() noexcept;

    loop& loop_;
    own_thread* own_ = nullptr;  // start(); then mutex_, until someone has joined them
    mutable mutex mutex_;        // taken before the loop's
    condition all_left_;
    std::size_t inside_ = 0;  // mutex_; counted before a thread is made, so that nobody misses it
    bool holds_work_ = true;  // mutex_
};

}  // namespace rill::engine

#include RILL_BODY(loop_threads.ipp)
