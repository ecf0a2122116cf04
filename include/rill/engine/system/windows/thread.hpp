// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/error.hpp>

#include RILL_SYSTEM(native.hpp)

#include <cerrno>
#include <process.h>

namespace rill::engine {

/// A thread of the library's own. <thread> would cost each user compile time.
class thread {
public:
    /// Runs @p f(argument) on a new thread.
    /// Throws  system_error: the system has no more threads
    thread(void (*f)(void*), void* argument) : start_{f, argument} {
        native_ = reinterpret_cast<::HANDLE>(::_beginthreadex(nullptr, 0, &run, &start_, 0, nullptr));
        if (!native_) {
            const int number = errno == EAGAIN ? error_number::try_again : error_number::no_memory;
            throw_if(error_code(number, boost::system::system_category()), "_beginthreadex");
        }
    }
    thread(const thread&) = delete;
    thread& operator=(const thread&) = delete;

    /// Must be called before the object dies.
    void join() noexcept {
        ::WaitForSingleObject(native_, INFINITE);
        ::CloseHandle(native_);
    }

    /// For the calls that take a thread; until join().
    ::HANDLE native() const noexcept { return native_; }

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
    struct start {
        void (*function)(void*);
        void* argument;
    };
    static unsigned __stdcall run(void* p) {
        auto& s = *static_cast<start*>(p);
        s.function(s.argument);
        return 0;
    }

    start start_;
    ::HANDLE native_ = nullptr;
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
