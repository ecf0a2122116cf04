// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

#include RILL_SYSTEM(native.hpp)

#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <utility>

namespace rill::engine {

/// A thread of the library's own. <thread> would cost each user compile time.
class thread {
public:
    /// Runs @p f(argument) on a new thread.
    /// Throws  system_error: the system has no more threads
    thread(void (*f)(void*), void* argument) : start_{f, argument} {
        if (int e = ::pthread_create(&native_, nullptr, &run, &start_); e != 0)
            throw_if(error_code(e, boost::system::system_category()), "pthread_create");
    }
    thread(const thread&) = delete;
    thread& operator=(const thread&) = delete;

    /// Must be called before the object dies.
    void join() noexcept { ::pthread_join(native_, nullptr); }

    /// For the calls that take a thread; until join().
    ::pthread_t native() const noexcept { return native_; }

    /// How many threads run at once on this machine; at least 1.
    static unsigned hardware_concurrency() noexcept {
        long n = ::sysconf(_SC_NPROCESSORS_ONLN);
        return n > 0 ? static_cast<unsigned>(n) : 1;
    }

    /// How many threads a context has if nobody says. Two at least: one may be in a function that blocks.
    static unsigned default_count() noexcept {
        unsigned n = hardware_concurrency();
        return n < 2 ? 2 : n;
    }

private:
    struct start {
        void (*function)(void*);
        void* argument;
    };
    static void* run(void* p) {
        auto& s = *static_cast<start*>(p);
        s.function(s.argument);
        return nullptr;
    }

    start start_;
    ::pthread_t native_{};
};

/// While it lives, this thread has its signals blocked, and so has for ever each thread that it makes. Those that a fault
/// raises are not: they come to the thread at fault, blocked or not. Source: pthread_sigmask(3)
class signals_blocked {
public:
    signals_blocked() noexcept {
        ::sigset_t all;
        sigfillset(&all);  // a macro on some systems
        ::pthread_sigmask(SIG_BLOCK, &all, &before_);
    }
    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;
    ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    ::sigset_t before_;
};

}  // namespace rill::engine
