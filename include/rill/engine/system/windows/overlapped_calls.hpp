// SPDX-License-Identifier: BSL-1.0
#pragma once

#include RILL_SYSTEM(descriptor.hpp)

#include <cstddef>
#include <cstdint>

/// Calls on files and pipes that were opened with FILE_FLAG_OVERLAPPED.
namespace rill::engine::system {

/// What is to be moved, and from or to where in the file: which pipes do not look at.
struct overlapped_transfer {
    void* data = nullptr;
    ::DWORD size = 0;
    std::uint64_t offset = 0;
};

/// Begins a transfer. Returns 0, and how many bytes were moved, if it is done at once; else ERROR_IO_PENDING, or a portable
/// number that says why not.
using overlapped_call = int (*)(::HANDLE, const overlapped_transfer&, ::OVERLAPPED&, ::DWORD& bytes);

inline void set_offset(::OVERLAPPED& o, std::uint64_t offset) noexcept {
    o.Offset = static_cast<::DWORD>(offset & 0xffff'ffff);
    o.OffsetHigh = static_cast<::DWORD>(offset >> 32);
}

inline int number_of_call(bool done) noexcept { return done ? 0 : portable_error(static_cast<int>(::GetLastError())); }

/// An overlapped_call. Source: ReadFile()
inline int read_file(::HANDLE file, const overlapped_transfer& t, ::OVERLAPPED& o, ::DWORD& bytes) {
    set_offset(o, t.offset);
    return number_of_call(::ReadFile(file, t.data, t.size, &bytes, &o) != 0);
}

/// An overlapped_call. Source: WriteFile()
inline int write_file(::HANDLE file, const overlapped_transfer& t, ::OVERLAPPED& o, ::DWORD& bytes) {
    set_offset(o, t.offset);
    return number_of_call(::WriteFile(file, t.data, t.size, &bytes, &o) != 0);
}

inline error_code error_of_overlapped(int number) noexcept {
    if (number == ERROR_HANDLE_EOF)
        return error::eof;
    return number == 0 ? error_code() : make_system_error(number);
}

/// Makes the call and waits until it is done. Returns how many bytes were moved.
inline std::size_t call_and_wait(::HANDLE file, overlapped_call call, const overlapped_transfer& t,
                                 error_code& ec) noexcept {
    const ::HANDLE done = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
    if (!done) {
        ec = last_error();
        return 0;
    }
    ::OVERLAPPED o{};
    o.hEvent = reinterpret_cast<::HANDLE>(reinterpret_cast<std::uintptr_t>(done) |
                                          1);  // no packet: GetQueuedCompletionStatus()
    ::DWORD bytes = 0;
    int number = call(file, t, o, bytes);
    if (number == ERROR_IO_PENDING)
        number = number_of_call(::GetOverlappedResult(file, &o, &bytes, TRUE) != 0);
    ::CloseHandle(done);
    ec = error_of_overlapped(number);
    return bytes;
}

}  // namespace rill::engine::system
