// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

#include RILL_SYSTEM(mutex.hpp)

#include <system_error>
#include <thread>

namespace rill::engine {

/// A thread of the library's own. Not one by _beginthreadex(): under MinGW's winpthreads, when such a thread ends while a
/// std::thread does, each may wait for a lock that the other one has.
class thread {
public:
    /// Runs @p f(argument) on a new thread.
    /// Throws  system_error: the system has no more threads
    thread(void (*f)(void*), void* argument) : function_(f), argument_(argument) {
        try {
            thread_ = std::thread(&run, this);
        } catch (const std::system_error&) {
            throw_error(error::try_again, "thread");
        }
    }
    thread(const thread&) = delete;
    thread& operator=(const thread&) = delete;

    /// Must be called before the object dies.
    void join() noexcept {
        thread_.join();
        ::CloseHandle(handle_);
    }

    /// For the calls that take a thread; until join().
    ::HANDLE native() noexcept {
        scoped_lock lock(mutex_);
        while (!handle_)
            known_.wait(mutex_);
        return handle_;
    }

    /// How many threads run at once on this machine; at least 1.
    static unsigned hardware_concurrency() noexcept {
        const ::DWORD n = ::GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
        return n > 0 ? static_cast<unsigned>(n) : 1;
    }

    /// How many threads a context has if nobody says. Two at least: one may be in a function that blocks.
    static unsigned default_count() noexcept {
        unsigned n = hardware_concurrency();
        return n < 2 ? 2 : n;
    }

private:
    // The standard library tells a handle that is not the same on all compilers.
    static void run(thread* self) {
        const ::HANDLE process = ::GetCurrentProcess();
        ::HANDLE own = nullptr;
        ::DuplicateHandle(process, ::GetCurrentThread(), process, &own, 0, FALSE, DUPLICATE_SAME_ACCESS);
        {
            scoped_lock lock(self->mutex_);
            self->handle_ = own;
            self->known_.notify_all();
        }
        self->function_(self->argument_);
    }

    void (*const function_)(void*);
    void* const argument_;
    mutex mutex_;
    condition known_;
    ::HANDLE handle_ = nullptr;  // mutex_
    std::thread thread_;         // the last: it uses the others
};

/// Nothing: the system calls a handler of signals on a thread of its own, or on the one at fault.
class signals_blocked {
public:
    signals_blocked() noexcept {}
    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;
    ~signals_blocked() {}
};

}  // namespace rill::engine
