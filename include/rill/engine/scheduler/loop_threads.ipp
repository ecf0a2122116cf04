// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>
#include <rill/engine/scheduler/loop_threads.hpp>

#include RILL_SYSTEM(thread.hpp)

#include <exception>
#include <memory>
#include <utility>

namespace rill::engine {

struct loop_threads::own_thread {
    own_thread(loop_threads& group, own_thread* n) : next(n), native(&enter, &group) {}

    static void enter(void* group) { static_cast<loop_threads*>(group)->run(); }

    own_thread* next;
    thread native;
};

RILL_DECL void loop_threads::start(std::size_t n) {
    for (; n != 0; --n) {
        {
            scoped_lock lock(mutex_);
            ++inside_;
        }
        try {
            own_ = new own_thread(*this, own_);
        } catch (...) {
            leave();
            loop_.stop();
            join();
            throw;
        }
    }
}

RILL_DECL void loop_threads::attach() noexcept {
    {
        scoped_lock lock(mutex_);
        ++inside_;
    }
    run();
}

// Caught, and not left to noexcept: with gcc 12 the message on stderr would not always name the exception (gcc bug 97720).
RILL_DECL void loop_threads::run() noexcept {
    try {
        loop_.run(static_cast<std::size_t>(-1), (time_point::max)());
    } catch (...) {
        std::terminate();
    }
    leave();
}

// TRICKY: notified under the lock. The last thing that an attached thread does here is to unlock it, and then whoever
// waits in join() may destroy the object.
RILL_DECL void loop_threads::leave() noexcept {
    scoped_lock lock(mutex_);
    if (--inside_ == 0)
        all_left_.notify_all();
}

RILL_DECL void loop_threads::join() {
    if (loop_.runs_here())
        throw_error(make_error_code(boost::system::errc::resource_deadlock_would_occur),
                    "rill: join() on one of the threads that it waits for");
    scoped_lock lock(mutex_);
    if (std::exchange(holds_work_, false))
        loop_.work_finished();
    while (inside_ != 0)
        all_left_.wait(mutex_);
    own_thread* own = std::exchange(own_, nullptr);
    lock.unlock();
    while (own) {
        const std::unique_ptr<own_thread> t(own);
        own = t->next;
        t->native.join();
    }
}

}  // namespace rill::engine
