// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/core/memory_source.hpp>

#include RILL_SYSTEM(native.hpp)

#include <chrono>

namespace rill::engine {

/// Ends a wait to a fraction of a millisecond, where a time-out ends it with the system's next clock tick. Source:
/// CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, since Windows 10 1803
class wait_timer : public in_source_memory {
public:
    wait_timer() noexcept
        : native_(::CreateWaitableTimerExW(nullptr, nullptr, high_resolution, TIMER_MODIFY_STATE | SYNCHRONIZE)) {}
    wait_timer(const wait_timer&) = delete;
    wait_timer& operator=(const wait_timer&) = delete;
    ~wait_timer() {
        if (native_)
            ::CloseHandle(native_);
    }

    /// False: the system has none.
    bool exists() const noexcept { return native_ != nullptr; }

    /// The calling thread's alertable wait ends after @p left, unless clear() is called before. False if the system refuses.
    bool set(std::chrono::nanoseconds left) noexcept {
        using ticks = std::chrono::duration<::LONGLONG, std::ratio<1, 10'000'000>>;
        ::LARGE_INTEGER due;
        due.QuadPart = -std::chrono::ceil<ticks>(left).count();  // below zero: from now
        return ::SetWaitableTimer(native_, &due, 0, &do_nothing, nullptr, FALSE) != 0;
    }
    void clear() noexcept { ::CancelWaitableTimer(native_); }

    wait_timer* next = nullptr;  ///< of whoever keeps it

private:
    static constexpr ::DWORD high_resolution = 2;  // not in all versions of the headers

    static void __stdcall do_nothing(void*, ::DWORD, ::DWORD) noexcept {}

    ::HANDLE native_;
};

}  // namespace rill::engine
