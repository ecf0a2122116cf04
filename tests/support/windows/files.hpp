// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/windows/winsock.hpp>

#include <atomic>
#include <cstdint>
#include <string>

/// The two ends of a named pipe that nobody else knows, opened for overlapped calls. Each is closed by who takes it.
struct bare_pipe {
    static constexpr ::DWORD bytes = PIPE_TYPE_BYTE, messages = PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE;

    explicit bare_pipe(::DWORD type = bytes, ::DWORD buffer_size = 4096) {
        static std::atomic<int> count{0};
        name = "\\\\.\\pipe\\rill-test-" + std::to_string(::GetCurrentProcessId()) + "-" + std::to_string(++count);
        server = ::CreateNamedPipeA(name.c_str(), PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, type | PIPE_WAIT, 1,
                                    buffer_size, buffer_size, 0, nullptr);
    }

    /// Opens the other end.
    void connect() {
        client = ::CreateFileA(name.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                               FILE_FLAG_OVERLAPPED, nullptr);
    }

    bool is_open() const { return server != INVALID_HANDLE_VALUE && client != INVALID_HANDLE_VALUE; }

    std::string name;
    ::HANDLE server;
    ::HANDLE client = INVALID_HANDLE_VALUE;
};

/// A new file without a name to speak of, which is deleted when it is closed.
inline ::HANDLE open_temporary_file(::DWORD flags) {
    char folder[MAX_PATH], name[MAX_PATH];
    ::GetTempPathA(MAX_PATH, folder);
    ::GetTempFileNameA(folder, "ril", 0, name);
    return ::CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS,
                         FILE_FLAG_DELETE_ON_CLOSE | flags, nullptr);
}

/// Whether there is something of that handle.
inline bool is_open_handle(::HANDLE h) {
    ::DWORD flags = 0;
    return ::GetHandleInformation(h, &flags) != 0;
}
